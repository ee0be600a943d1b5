import { type Difficulty, difficultyOf } from '../difficulty.js';
import { type Pattern, patterns } from '../patterns.js';
import { type CellRecord, type TroubleSample, ofKind } from '../samples.js';
import {
  type BalanceFigures,
  type JoinFigures,
  type Population,
  balanceFiguresOf,
  joinFiguresOf,
} from './balance-figures.js';
import { type FaultFigures, faultFiguresOf, isGone } from './fault-figures.js';
import { type Interval, percentile, shareOf } from './intervals.js';
import { type SpeedFigures, speedFiguresOf } from './speed-figures.js';

/** Everything that was measured of one pattern behind one balancer. What was not played is undefined. */
export interface PatternFigures {
  readonly pattern: Pattern;
  /** The share of the reads that find their session: with its cookie, and as a browser that is told to forget it. */
  readonly usable: Interval | undefined;
  readonly usableByBrowser: Interval | undefined;
  readonly balance: Readonly<Partial<Record<Population, BalanceFigures>>>;
  readonly join: JoinFigures | undefined;
  readonly faults: Readonly<Record<string, FaultFigures>>;
  readonly speed: SpeedFigures | undefined;

  /** MB of 100,000 sessions, on all servers together and in the store. A near cache keeps no more than its bound. */
  readonly memory: { readonly servers: number; readonly store: number; readonly sessions: number } | undefined;

  /** Bytes between servers, or between them and the store, per request. */
  readonly bytes: { readonly read: number; readonly write: number } | undefined;
  readonly consistency: Readonly<Record<string, { readonly value: number; readonly total: number }>> | undefined;
  readonly difficulty: Difficulty;

  /** The first lines of what went wrong, by step. */
  readonly failed: Readonly<Record<string, string>>;
  readonly files: readonly string[];
}

export interface Figures {
  readonly balancer: string;
  readonly size: string;
  readonly startedAt: string;
  readonly patterns: readonly PatternFigures[];
  readonly troubles: readonly FoundTrouble[];
}

export interface FoundTrouble extends TroubleSample {
  readonly file: string;

  /** The phase with the largest excess, and whether it is the right one. */
  readonly first: string;
  readonly isRight: boolean;

  /** Phases that are blamed although the trouble has nothing to do with them. */
  readonly blamed: readonly string[];
}

/** A phase with this part of the largest excess is blamed as well. */
const BLAMED = 0.3;

/** All figures of a run, one entry per balancer, from nothing but its raw files. */
export function figuresOf(cells: readonly CellRecord[]): Figures[] {
  return [...new Set(cells.map(({ balancer }) => balancer))].toSorted().map((balancer) => {
    const own = cells.filter((cell) => cell.balancer === balancer);
    const starts = own.map(({ startedAt }) => startedAt).toSorted();
    return {
      balancer,
      size: own[0]?.size ?? '',
      startedAt: starts[0] ?? '',
      patterns: patterns
        .filter(({ name }) => own.some((cell) => cell.pattern === name))
        .map((pattern) =>
          ofPattern(
            pattern,
            own.filter((cell) => cell.pattern === pattern.name),
          ),
        ),
      troubles: own.flatMap((cell) => ofKind(cell.samples, 'trouble').map((trouble) => judged(trouble, cell.file))),
    };
  });
}

function ofPattern(pattern: Pattern, cells: readonly CellRecord[]): PatternFigures {
  const played = (step: string): CellRecord | undefined =>
    cells.find((cell) => cell.step === step && cell.error === undefined);
  const faults = cells.filter((cell) => ofKind(cell.samples, 'event').some(({ isFault }) => isFault));
  const [balancing, join, speed] = [played('balancing'), played('join'), played('speed')];
  return {
    pattern,
    usable: usableOf(played('usable'), 'peek'),
    usableByBrowser: usableOf(played('usable'), 'browse'),
    balance: balancing ? balanceFiguresOf(balancing) : {},
    join: join && joinFiguresOf(join, lostIn(join)),
    faults: Object.fromEntries(
      faults
        .filter(({ step, error }) => step !== 'join' && error === undefined)
        .map((cell) => [cell.step, faultFiguresOf(cell)]),
    ),
    speed: speed && speedFiguresOf(speed),
    ...memoryOf(pattern, played('resources')),
    consistency: consistencyOf(played('consistency')),
    difficulty: difficultyOf(pattern),
    failed: Object.fromEntries(
      cells.flatMap(({ step, error }) => (error === undefined ? [] : [[step, error.split('\n', 1)[0] as string]])),
    ),
    files: cells.map(({ file }) => file),
  };
}

function usableOf(cell: CellRecord | undefined, asked: string): Interval | undefined {
  if (!cell) return undefined;
  const reads = ofKind(cell.samples, 'request').filter(({ page, status }) => page === asked && status === 200);
  return shareOf(reads.filter((read) => !isGone(read)).length, reads.length);
}

function lostIn(cell: CellRecord): number {
  return ofKind(cell.samples, 'session').filter(({ number, told }) => number !== undefined && number < told).length;
}

/** How many sessions the memory is told for. */
const TOLD = 100_000;
const SERVERS = 3;

function memoryOf(
  { keepsAtMost = Infinity }: Pattern,
  cell: CellRecord | undefined,
): Pick<PatternFigures, 'memory' | 'bytes'> {
  if (!cell) return { memory: undefined, bytes: undefined };
  const figures = ofKind(cell.samples, 'figure');
  const memory = figures.filter(({ name }) => name === 'bytes of memory');
  const sessions = memory[0]?.total ?? NaN;
  const megabytes = (isOwn: (name: string) => boolean, most: number): number => {
    const bytes = memory.filter(({ of = '' }) => isOwn(of)).reduce((sum, { value }) => sum + value, 0);
    return (bytes / Math.min(sessions, most) / 1e6) * Math.min(TOLD, most);
  };
  const bytes = (of: string): number => {
    const rounds = figures.filter((figure) => figure.name === 'bytes on the network' && figure.of === of);
    const perRequest = rounds.map(({ value, total = NaN }) => value / total);
    return percentile(
      perRequest.toSorted((one, other) => one - other),
      0.5,
    );
  };
  return {
    memory: {
      servers: megabytes((name) => name !== 'store', keepsAtMost * SERVERS),
      store: megabytes((name) => name === 'store', Infinity),
      sessions,
    },
    bytes: { read: bytes('read'), write: bytes('write') },
  };
}

function consistencyOf(cell: CellRecord | undefined): PatternFigures['consistency'] {
  if (!cell) return undefined;
  const figures = ofKind(cell.samples, 'figure');
  return Object.fromEntries(figures.map(({ name, value, total = 0 }) => [name, { value, total }]));
}

function judged(trouble: TroubleSample, file: string): FoundTrouble {
  const sorted = Object.entries(trouble.excessMs).toSorted(([, one], [, other]) => other - one);
  const [first = '', most = 0] = sorted[0] ?? [];
  const innocent = (phase: string): boolean => ![...trouble.expected, ...trouble.also].includes(phase);
  const blamed = sorted.filter(([phase, ms]) => ms > most * BLAMED && innocent(phase)).map(([phase]) => phase);
  return { ...trouble, file, first, isRight: trouble.expected.includes(first), blamed };
}
