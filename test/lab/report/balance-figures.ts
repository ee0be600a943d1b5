import { type CellRecord, type RequestSample, ofKind } from '../samples.js';
import { type Interval, meanOf, variation } from './intervals.js';

/** How unevenly a population of clients is spread over the servers, as coefficients of variation. */
export interface BalanceFigures {
  readonly requests: Interval | undefined;
  readonly connections: number;
  readonly cpu: number;
}

export interface JoinFigures {
  readonly file: string;

  /** Seconds from the first request of the new server until it has four fifths of its share. Infinity: not in time. */
  readonly returning: number;
  readonly newcomer: number;

  /** For how many seconds it was watched. */
  readonly watched: number;
  readonly gone: number;

  /** Seconds, and the share of each server in the requests of clients that came back. */
  readonly shares: readonly { readonly t: number; readonly shares: Readonly<Record<string, number>> }[];
  readonly events: readonly { readonly t: number; readonly text: string }[];
}

const SERVERS = ['s1', 's2', 's3'];
const POPULATIONS = ['new', 'kept', 'unkept', 'unequal'] as const;
export type Population = (typeof POPULATIONS)[number];

/** A server's share is its own when it has this part of it. */
const ENOUGH = 0.8;
const WINDOW_S = 1;
const SLICES = 4;

export function balanceFiguresOf(cell: CellRecord): Readonly<Partial<Record<Population, BalanceFigures>>> {
  const requests = ofKind(cell.samples, 'request');
  const processes = ofKind(cell.samples, 'process');
  const events = ofKind(cell.samples, 'event');
  const at = (text: string): number => events.find((event) => event.text === text)?.t ?? NaN;
  return Object.fromEntries(
    POPULATIONS.map((population) => {
      const [from, to] = [at(`begin ${population}`), at(`end ${population}`)];
      const own = requests.filter(({ page, server }) => page === population && server !== undefined);
      const during = processes.filter(({ t }) => t >= from && t <= to);
      const ofServer = (name: string) => during.filter((sample) => sample.name === name);
      const cpu = SERVERS.map((name) => (ofServer(name).at(-1)?.cpuUs ?? 0) - (ofServer(name)[0]?.cpuUs ?? 0));
      const connections = SERVERS.map((name) => {
        const all = ofServer(name).map((sample) => sample.connections ?? 0);
        return all.reduce((sum, one) => sum + one, 0) / Math.max(1, all.length);
      });
      const figures = {
        requests: meanOf(slicesOf(own, from, to).map((slice) => variation(countsOf(slice)))),
        connections: variation(connections),
        cpu: variation(cpu),
      };
      return [population, figures] as const;
    }),
  );
}

export function joinFiguresOf(cell: CellRecord, gone: number): JoinFigures {
  const requests = ofKind(cell.samples, 'request').filter(({ server }) => server !== undefined);
  const events = ofKind(cell.samples, 'event').map(({ t, text }) => ({ t: t / 1000, text }));
  const first = requests.filter(({ server }) => server === 's4').reduce((least, { t }) => Math.min(least, t), Infinity);
  const joinedAt = Math.min(first / 1000, events.find(({ text }) => text === 's4 gets requests')?.t ?? Infinity);
  const end = requests.reduce((latest, { t }) => Math.max(latest, t), 0) / 1000;
  const sharesOf = (page: string): JoinFigures['shares'] => {
    const own = requests.filter((request) => request.page === page);
    return Array.from({ length: Math.floor(end / WINDOW_S) }, (_, i) => {
      const t = i * WINDOW_S;
      const inWindow = own.filter((one) => one.t / 1000 >= t && one.t / 1000 < t + WINDOW_S);
      const share = (name: string): number => inWindow.filter(({ server }) => server === name).length / inWindow.length;
      return { t, shares: Object.fromEntries([...SERVERS, 's4'].map((name) => [name, share(name) || 0])) };
    });
  };
  const since = (page: string): number => {
    const reached = sharesOf(page).find(
      ({ t, shares }) => t + WINDOW_S > joinedAt && (shares['s4'] ?? 0) >= ENOUGH / 4,
    );
    return reached ? Math.max(0, reached.t - joinedAt) : Infinity;
  };
  return {
    file: cell.file,
    returning: since('returning'),
    newcomer: since('newcomer'),
    watched: end - joinedAt,
    gone,
    shares: sharesOf('returning'),
    events,
  };
}

/** A population's time in a few equal parts. */
function slicesOf(requests: readonly RequestSample[], from: number, to: number): readonly RequestSample[][] {
  const length = (to - from) / SLICES;
  const slices = Array.from({ length: SLICES }, (_, i) =>
    requests.filter(({ t }) => t >= from + i * length && t < from + (i + 1) * length),
  );
  // A machine that stood still for a while has sent nothing in a part.
  return slices.filter((slice) => slice.length > 0);
}

function countsOf(requests: readonly RequestSample[]): number[] {
  return SERVERS.map((name) => requests.filter(({ server }) => server === name).length);
}
