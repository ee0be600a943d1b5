import { type CellRecord, type RequestSample, ofKind } from '../samples.js';
import { type Interval, shareOf } from './intervals.js';

/** What clients saw while something happened to the servers. */
export interface FaultFigures {
  readonly file: string;

  /** The share of the sessions that is gone, and how many acknowledged updates were gone from sessions that stayed. */
  readonly gone: Interval | undefined;
  readonly updatesGone: number;

  /** The share of the requests, from the fault on, that got no answer of 200; and their number by status. */
  readonly refused: Interval | undefined;
  readonly statuses: Readonly<Record<string, number>>;

  /** Seconds from the fault until no request was refused, or took longer than a second, any more. 0: never any. */
  readonly wholeAfter: number;
  readonly events: readonly { readonly t: number; readonly text: string }[];

  /** Windows of time, in seconds since the cell began. */
  readonly timeline: readonly Window[];

  /** Seconds, and the share of the sessions that are there. */
  readonly survival: readonly (readonly [number, number])[];
}

export interface Window {
  readonly t: number;
  readonly answered: number;
  readonly refused: number;
  readonly gone: number;

  /** The slowest answer, in ms. */
  readonly slowest: number;
}

/** Pages that read the counter. All others that tell it add one. */
const READS = ['peek', 'browse'];

const WINDOW_MS = 250;
const SLOW_MS = 1_000;

export function faultFiguresOf(cell: CellRecord): FaultFigures {
  const requests = ofKind(cell.samples, 'request').toSorted((one, other) => one.t - other.t);
  const events = ofKind(cell.samples, 'event');
  const judged = ofKind(cell.samples, 'session');
  const faultAt = events.find(({ isFault }) => isFault)?.t ?? 0;
  const goneAt = new Map<string, number>();
  let updatesGone = 0;
  for (const request of requests) {
    const { client, t } = request;
    if (isGone(request) && !goneAt.has(client)) goneAt.set(client, t);
    else if (!isGone(request)) updatesGone += missingIn(request);
  }
  const end = requests.at(-1)?.t ?? 0;
  for (const { client, number, told } of judged) {
    if (number !== undefined && number === 0 && told > 0 && !goneAt.has(client)) goneAt.set(client, end);
    else if (number !== undefined && number > 0) updatesGone += Math.max(0, told - number);
  }
  const after = requests.filter(({ t, ms }) => t + ms >= faultAt);
  const bad = after.filter((request) => isRefused(request) || request.ms > SLOW_MS);
  const lastBad = bad.reduce((latest, { t, ms }) => Math.max(latest, t + ms), faultAt);
  const statuses: Record<string, number> = {};
  for (const { status } of after.filter(isRefused)) statuses[status] = (statuses[status] ?? 0) + 1;
  const clients = judged.length;
  return {
    file: cell.file,
    gone: shareOf(goneAt.size, clients),
    updatesGone,
    refused: shareOf(after.filter(isRefused).length, after.length),
    statuses,
    wholeAfter: (lastBad - faultAt) / 1000,
    events: events.map(({ t, text }) => ({ t: t / 1000, text })),
    timeline: timelineOf(requests),
    survival: survivalOf([...goneAt.values()], clients, end),
  };
}

function isRefused({ status }: RequestSample): boolean {
  return status !== 200;
}

/** Whether the answer is that of a session that had just begun, although the client had one. */
export function isGone({ page, number, told }: RequestSample): boolean {
  if (number === undefined || told === undefined || told === 0) return false;
  return number === (READS.includes(page) ? 0 : 1);
}

/** How many acknowledged updates a session lacks that is still there. */
function missingIn({ page, number, told }: RequestSample): number {
  if (number === undefined || told === undefined) return 0;
  return Math.max(0, told + (READS.includes(page) ? 0 : 1) - number);
}

function timelineOf(requests: readonly RequestSample[]): Window[] {
  const windows = new Map<number, Window>();
  for (const request of requests) {
    // A request belongs to the moment of its answer.
    const at = Math.floor((request.t + request.ms) / WINDOW_MS);
    const before = windows.get(at) ?? { t: (at * WINDOW_MS) / 1000, answered: 0, refused: 0, gone: 0, slowest: 0 };
    const kind = isRefused(request) ? 'refused' : isGone(request) ? 'gone' : 'answered';
    windows.set(at, { ...before, [kind]: before[kind] + 1, slowest: Math.max(before.slowest, request.ms) });
  }
  const last = Math.max(0, ...windows.keys());
  return Array.from(
    { length: last + 1 },
    (_, at) => windows.get(at) ?? { t: (at * WINDOW_MS) / 1000, answered: 0, refused: 0, gone: 0, slowest: 0 },
  );
}

function survivalOf(goneAt: readonly number[], clients: number, end: number): (readonly [number, number])[] {
  if (clients === 0) return [];
  const steps = goneAt.toSorted((one, other) => one - other).map((t, i) => [t / 1000, 1 - (i + 1) / clients] as const);
  return [[0, 1], ...steps, [end / 1000, 1 - goneAt.length / clients]];
}
