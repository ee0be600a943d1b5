import type { PatternName } from '../patterns.js';
import type { Figures, PatternFigures } from './figures.js';
import { fixed, percent } from './texts.js';

/** A claim of the known table, and whether the figures agree. Undefined: not played. */
export interface Verdict {
  readonly claim: string;
  readonly agrees: boolean | undefined;
  readonly measured: string;

  /** Why it may disagree, and what is being done. */
  readonly note?: string;
}

type ByName = (name: PatternName) => PatternFigures | undefined;

export function verdictsOf({ patterns }: Figures): Verdict[] {
  const of: ByName = (name) => patterns.find(({ pattern }) => pattern.name === name);
  return [
    usableVerdict(of),
    ...GONE.map((claim) => goneVerdict(of, claim)),
    readVerdict(of),
    memoryVerdict(of),
    writeVerdict(of),
  ];
}

/** How far a share may be from (n-1)/n: clients come in no order, but they are few. */
const TOLERANCE = 0.1;

function usableVerdict(of: ByName): Verdict {
  const usable = of('none')?.usable;
  const lost = usable && 1 - usable.value;
  return {
    claim: '1 finds no session in about (n-1)/n of the requests: 67 % of them with three servers',
    agrees: lost === undefined ? undefined : Math.abs(lost - 2 / 3) < TOLERANCE,
    measured:
      lost === undefined
        ? 'not played'
        : `${fixed(lost * 100, 0)} %; ${percent(of('none')?.usableByBrowser)} of a browser's reads find it`,
  };
}

/** What should be left of the sessions of a pattern after a fault. */
interface GoneClaim {
  readonly name: PatternName;
  readonly fault: string;
  readonly claim: string;
  readonly least: number;
  readonly most: number;
  readonly note?: string;
}

const GONE: readonly GoneClaim[] = [
  {
    name: 'sticky',
    fault: 'kill-one',
    claim: '2 loses the sessions of the server that is killed, and no others',
    least: 0.1,
    most: 0.6,
  },
  {
    name: 'sticky',
    fault: 'kill-all',
    claim: '2 loses all sessions when all servers are killed',
    least: 1,
    most: 1,
  },
  { name: 'replicated', fault: 'kill-one', claim: '3 survives any one server', least: 0, most: 0 },
  {
    name: 'replicated',
    fault: 'kill-all',
    claim: '3 loses all sessions when all servers are killed',
    least: 1,
    most: 1,
  },
  {
    name: 'replicated',
    fault: 'network-cut',
    claim: '3 survives that one server is cut off from the others',
    least: 0,
    most: 0,
    note:
      'Without a quorum, the server that is cut off goes on with its sessions, while the others make new copies of ' +
      'them. When the network is whole again, one of two lineages goes, and it may be the one that clients have used.',
  },
  { name: 'external', fault: 'kill-all', claim: '4 survives all servers', least: 0, most: 0 },
  { name: 'cached', fault: 'kill-all', claim: '5 survives all servers', least: 0, most: 0 },
];

function goneVerdict(of: ByName, { name, fault, claim, least, most, note }: GoneClaim): Verdict {
  const figures = of(name)?.faults[fault];
  const gone = figures?.gone?.value;
  return {
    claim,
    agrees: gone === undefined ? undefined : gone >= least && gone <= most,
    measured:
      gone === undefined
        ? 'not played'
        : `${fixed(gone * 100, 0)} % of the sessions gone, ${figures?.updatesGone ?? 0} acknowledged updates of others`,
    ...(note !== undefined && { note }),
  };
}

function readVerdict(of: ByName): Verdict {
  const [external, cached] = (['external', 'cached'] as const).map((name) => of(name)?.speed?.normal['read']?.p50);
  return {
    claim: '4 is slower than 5 where a request reads',
    agrees: external && cached ? external.value > cached.value : undefined,
    measured: external && cached ? `${fixed(external.value, 2)} against ${fixed(cached.value, 2)} ms` : 'not played',
    note: 'Reads of 5 come from the near cache. All processes share the cores of one machine, so the gap is small.',
  };
}

function memoryVerdict(of: ByName): Verdict {
  const names = ['none', 'sticky', 'replicated', 'external', 'cached'] as const;
  const known = names.flatMap((name) => {
    const memory = of(name)?.memory;
    return memory ? [{ name, megabytes: memory.servers }] : [];
  });
  const most = known.toSorted((one, other) => other.megabytes - one.megabytes)[0];
  return {
    claim: '3 costs the most memory on the application servers',
    agrees: known.length < names.length ? undefined : most?.name === 'replicated',
    measured:
      known.length < names.length
        ? 'not played'
        : known.map(({ name, megabytes }) => `${name} ${fixed(megabytes, 0)} MB`).join(', '),
    note: 'The near cache of 5 has a bound (maxSessions, maxBytes), and a kept session costs more there than one of 3.',
  };
}

function writeVerdict(of: ByName): Verdict {
  const names = ['sticky', 'replicated', 'external', 'cached'] as const;
  const [sticky, replicated, external, cached] = names.map((name) => of(name)?.speed?.normal['small']?.p50);
  const isPlayed = sticky && replicated && external && cached;
  return {
    claim: 'writes of 3 are no slower than those of 4, which waits for another server as well',
    // Another run could turn them round as long as the intervals meet.
    agrees: isPlayed && replicated.low <= external.high,
    measured: isPlayed
      ? [sticky, replicated, external, cached].map(({ value }, i) => `${names[i]} ${fixed(value, 2)} ms`).join(', ')
      : 'not played',
    note: 'The backup of a session shares these cores with its primary, and works more than Redis does for a write.',
  };
}
