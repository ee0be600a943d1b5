import type { Figures, PatternFigures } from './figures.js';
import type { Interval } from './intervals.js';

/** A chart, as the script of the page draws it. `null` is a gap. */
export interface Chart {
  readonly id: string;
  readonly section: Section;
  readonly title: string;
  readonly kind: 'lines' | 'steps' | 'bars' | 'stacked';
  readonly x: readonly number[];

  /** Names at 0, 1, 2 ... of bars. */
  readonly categories?: readonly string[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly isLogarithmic?: boolean;
  readonly series: readonly Series[];
  readonly marks?: readonly { readonly x: number; readonly text: string }[];
  readonly files: readonly string[];
}

export type Section = 'speed' | 'balancing' | 'survival' | 'faults' | 'resources';

export interface Series {
  readonly label: string;
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

const PAGES = ['stateless', 'read', 'small', 'stateful', 'list'] as const;

export function chartsOf(figures: Figures): Chart[] {
  const { patterns } = figures;
  const all = [
    ...speedCharts(patterns, figures.balancer),
    ...balanceCharts(patterns, figures.balancer),
    ...survivalCharts(patterns),
    ...patterns.flatMap(faultCharts),
    ...resourceCharts(patterns, figures.balancer),
  ];
  return all
    .filter(({ series }) => series.some(({ values }) => values.some((value) => value !== null)))
    .map((chart) => ({ ...chart, id: `${figures.balancer}-${chart.id}` }));
}

function barsOf(
  patterns: readonly PatternFigures[],
  series: readonly {
    readonly label: string;
    readonly colour: string;
    readonly of: (figures: PatternFigures) => Interval | undefined;
  }[],
): Pick<Chart, 'x' | 'categories' | 'series'> {
  return {
    x: patterns.map((_, i) => i),
    categories: patterns.map(({ pattern }) => `${pattern.number} ${pattern.name}`),
    series: series.map(({ label, colour, of }) => {
      const intervals = patterns.map(of);
      return {
        label,
        colour,
        values: pick(intervals, 'value'),
        low: pick(intervals, 'low'),
        high: pick(intervals, 'high'),
      };
    }),
  };
}

function pick(intervals: readonly (Interval | undefined)[], key: 'value' | 'low' | 'high'): (number | null)[] {
  return intervals.map((interval) => (interval && Number.isFinite(interval[key]) ? interval[key] : null));
}

/** A figure that was measured once. */
function single(value: number | undefined): Interval | undefined {
  return value === undefined ? undefined : { value, low: NaN, high: NaN, count: 1 };
}

function speedCharts(patterns: readonly PatternFigures[], balancer: string): Chart[] {
  const played = patterns.filter(({ speed }) => speed);
  const files = played.map(({ pattern }) => `${balancer}-${pattern.name}-speed.jsonl`);
  const latency = PAGES.map((page): Chart => ({
    id: `latency-${page}`,
    section: 'speed',
    title: `Latency: ${page}`,
    kind: 'bars',
    xLabel: '',
    yLabel: 'ms',
    files,
    ...barsOf(played, [
      { label: 'p50', colour: 'c1', of: ({ speed }) => speed?.normal[page]?.p50 },
      { label: 'p99', colour: 'c3', of: ({ speed }) => speed?.normal[page]?.p99 },
      { label: 'p99, one server down', colour: 'c5', of: ({ speed }) => speed?.['one server down'][page]?.p99 },
    ]),
  }));
  const throughput: Chart = {
    id: 'throughput',
    section: 'speed',
    title: 'Throughput of writes to a small session',
    kind: 'bars',
    xLabel: '',
    yLabel: 'requests/s',
    files,
    ...barsOf(played, [
      { label: 'normal', colour: 'c1', of: ({ speed }) => speed?.normal['small']?.throughput },
      { label: 'one server down', colour: 'c5', of: ({ speed }) => speed?.['one server down']['small']?.throughput },
    ]),
  };
  const shares = played[0]?.speed?.normal['small']?.percentiles.map(([share]) => share * 100) ?? [];
  const curve: Chart = {
    id: 'percentiles',
    section: 'speed',
    title: 'Writes: the time that so many percent of the requests keep below',
    kind: 'lines',
    x: shares,
    xLabel: '% of the requests',
    yLabel: 'ms',
    isLogarithmic: true,
    series: played.map(({ pattern, speed }) => ({
      label: `${pattern.number} ${pattern.name}`,
      colour: `c${pattern.number}`,
      values: (speed?.normal['small']?.percentiles ?? []).map(([, ms]) => (Number.isFinite(ms) ? ms : null)),
    })),
    files,
  };
  return [...latency, throughput, curve];
}

function balanceCharts(patterns: readonly PatternFigures[], balancer: string): Chart[] {
  const balanced = patterns.filter(({ balance }) => balance.kept);
  const variations: Chart = {
    id: 'variation',
    section: 'balancing',
    title: 'How unevenly requests are spread over three servers (0 is even)',
    kind: 'bars',
    xLabel: '',
    yLabel: 'coefficient of variation',
    files: balanced.map(({ pattern }) => `${balancer}-${pattern.name}-balancing.jsonl`),
    ...barsOf(balanced, [
      { label: 'new clients', colour: 'c1', of: ({ balance }) => balance.new?.requests },
      { label: 'returning', colour: 'c2', of: ({ balance }) => balance.kept?.requests },
      { label: 'returning, no keep-alive', colour: 'c4', of: ({ balance }) => balance.unkept?.requests },
      { label: 'unequal', colour: 'c3', of: ({ balance }) => balance.unequal?.requests },
    ]),
  };
  const joins = patterns.flatMap(({ pattern, join }): Chart[] => {
    if (!join) return [];
    return [
      {
        id: `join-${pattern.name}`,
        section: 'balancing',
        title: `${pattern.number} ${pattern.name}: share of each server while s4 joins, of clients that come back`,
        kind: 'lines',
        x: join.shares.map(({ t }) => t),
        xLabel: 's',
        yLabel: '% of the requests',
        series: ['s1', 's2', 's3', 's4'].map((name, i) => ({
          label: name,
          colour: `c${i + 1}`,
          values: join.shares.map(({ shares }) => (shares[name] ?? 0) * 100),
        })),
        marks: join.events.map(({ t, text }) => ({ x: t, text })),
        files: [join.file],
      },
    ];
  });
  return [variations, ...joins];
}

function survivalCharts(patterns: readonly PatternFigures[]): Chart[] {
  const names = [...new Set(patterns.flatMap(({ faults }) => Object.keys(faults)))];
  return names.map((name): Chart => {
    const played = patterns.filter(({ faults }) => (faults[name]?.survival.length ?? 0) > 0);
    const moments = played.flatMap(({ faults }) => (faults[name]?.survival ?? []).map(([t]) => t));
    const x = [...new Set(moments)].toSorted((one, other) => one - other);
    return {
      id: `survival-${name}`,
      section: 'survival',
      title: `${name}: sessions that are there`,
      kind: 'steps',
      x,
      xLabel: 's',
      yLabel: '%',
      series: played.map(({ pattern, faults }) => ({
        label: `${pattern.number} ${pattern.name}`,
        colour: `c${pattern.number}`,
        values: x.map((t) => shareAt(faults[name]?.survival ?? [], t)),
      })),
      files: played.flatMap(({ faults }) => faults[name]?.file ?? []),
    };
  });
}

function shareAt(survival: readonly (readonly [number, number])[], t: number): number | null {
  const before = survival.findLast(([at]) => at <= t);
  return before ? before[1] * 100 : null;
}

function faultCharts({ pattern, faults }: PatternFigures): Chart[] {
  return Object.entries(faults).map(([name, { timeline, events, file }]) => ({
    id: `fault-${pattern.name}-${name}`,
    section: 'faults',
    title: `${pattern.number} ${pattern.name}: ${name}`,
    kind: 'stacked',
    x: timeline.map(({ t }) => t),
    xLabel: 's',
    yLabel: 'requests per 250 ms',
    series: [
      { label: 'answered', colour: 'good', values: timeline.map(({ answered }) => answered) },
      { label: 'session gone', colour: 'fair', values: timeline.map(({ gone }) => gone) },
      { label: 'refused', colour: 'poor', values: timeline.map(({ refused }) => refused) },
    ],
    marks: events.map(({ t, text }) => ({ x: t, text })),
    files: [file],
  }));
}

function resourceCharts(patterns: readonly PatternFigures[], balancer: string): Chart[] {
  const held = patterns.filter(({ memory }) => memory);
  const speeds = patterns.filter(({ speed }) => speed);
  return [
    {
      id: 'memory',
      section: 'resources',
      title: 'Memory of 100,000 sessions with one number each',
      kind: 'bars',
      xLabel: '',
      yLabel: 'MB',
      files: held.map(({ pattern }) => `${balancer}-${pattern.name}-resources.jsonl`),
      ...barsOf(held, [
        { label: 'all servers', colour: 'c1', of: ({ memory }) => single(memory?.servers) },
        { label: 'store', colour: 'c4', of: ({ memory }) => single(memory?.store) },
      ]),
    },
    ...(['read', 'small'] as const).map((page): Chart => ({
      id: `cpu-${page}`,
      section: 'resources',
      title: `CPU time per request: ${page === 'read' ? 'reads' : 'writes'}`,
      kind: 'bars',
      xLabel: '',
      yLabel: 'µs',
      files: speeds.map(({ pattern }) => `${balancer}-${pattern.name}-speed.jsonl`),
      ...barsOf(speeds, [
        { label: 'servers', colour: 'c1', of: ({ speed }) => speed?.normal[page]?.serverCpu },
        {
          label: 'store',
          colour: 'c4',
          of: ({ speed, pattern }) => (pattern.hasStore ? speed?.normal[page]?.storeCpu : undefined),
        },
        { label: 'balancer', colour: 'c2', of: ({ speed }) => speed?.normal[page]?.balancerCpu },
      ]),
    })),
  ];
}
