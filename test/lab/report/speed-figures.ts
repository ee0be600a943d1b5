import { type BlockSample, type CellRecord, ofKind } from '../samples.js';
import { type Interval, meanOf, percentile } from './intervals.js';

/** One page of a pattern, in ms, requests per second, and µs of CPU per request. */
export interface PageFigures {
  readonly p50: Interval | undefined;
  readonly p99: Interval | undefined;
  readonly throughput: Interval | undefined;
  readonly serverCpu: Interval | undefined;
  readonly storeCpu: Interval | undefined;
  readonly balancerCpu: Interval | undefined;

  /** Requests that were not answered with success. */
  readonly failed: number;

  /** The share of the requests that is at least as fast, and the time of the slowest of them. */
  readonly percentiles: readonly (readonly [number, number])[];
}

export type SpeedFigures = Readonly<Record<BlockSample['state'], Readonly<Record<string, PageFigures>>>>;

const SHARES = [0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995];

export function speedFiguresOf(cell: CellRecord): SpeedFigures {
  const blocks = ofKind(cell.samples, 'block');
  const ofState = (state: BlockSample['state']): Record<string, PageFigures> => {
    const own = blocks.filter((block) => block.state === state);
    return Object.fromEntries([...new Set(own.map(({ page }) => page))].map((page) => [page, pageOf(own, page)]));
  };
  return { normal: ofState('normal'), 'one server down': ofState('one server down') };
}

function pageOf(blocks: readonly BlockSample[], page: string): PageFigures {
  const own = blocks.filter((block) => block.page === page);
  const sorted = own.map(({ ms }) => ms.toSorted((one, other) => one - other));
  const all = own.flatMap(({ ms }) => ms).toSorted((one, other) => one - other);
  const cpu = (isOwn: (name: string) => boolean): Interval | undefined =>
    meanOf(
      own.map(({ cpuUs, ms }) => {
        const used = Object.entries(cpuUs).filter(([name]) => isOwn(name));
        return used.reduce((sum, [, us]) => sum + us, 0) / ms.length;
      }),
    );
  return {
    p50: meanOf(sorted.map((ms) => percentile(ms, 0.5))),
    p99: meanOf(sorted.map((ms) => percentile(ms, 0.99))),
    throughput: meanOf(own.map(({ ms, seconds }) => ms.length / seconds)),
    serverCpu: cpu((name) => /^s\d$/.test(name)),
    storeCpu: cpu((name) => name === 'store'),
    balancerCpu: cpu((name) => name === 'balancer'),
    failed: own.reduce((sum, { failed }) => sum + failed, 0),
    percentiles: SHARES.map((share) => [share, percentile(all, share)] as const),
  };
}
