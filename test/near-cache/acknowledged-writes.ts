import type { RequestEvent } from './history.js';

/** The writes of one client to one session. A client is sequential, so times of both lists rise. */
interface WritesOfClient {
  /** When the answers came. */
  readonly acknowledged: number[];

  /** When those were sent that are stored or may be. */
  readonly possible: number[];

  /** When those were sent of which it is not known. */
  readonly unknown: number[];
}

/** Who has written what to one session by when, as its clients know it. */
export class AcknowledgedWrites {
  private readonly byClient = new Map<string, WritesOfClient>();

  /** In the order in which each client sent them. */
  add({ client, kind, outcome, start, end }: RequestEvent): void {
    if (kind !== 'write' && kind !== 'pair') return;
    const writes = this.byClient.get(client) ?? { acknowledged: [], possible: [], unknown: [] };
    this.byClient.set(client, writes);
    if (outcome === 'ok') writes.acknowledged.push(end);
    if (outcome === 'ok' || outcome === 'unknown') writes.possible.push(start);
    if (outcome === 'unknown') writes.unknown.push(start);
  }

  get clients(): Iterable<string> {
    return this.byClient.keys();
  }

  /** How many of a client had been answered with success before a moment. */
  acknowledgedBefore(client: string, moment: number): number {
    return countBelow(this.byClient.get(client)?.acknowledged ?? [], moment);
  }

  /** How many of a client had been sent before a moment and may be stored. */
  possibleBefore(client: string, moment: number): number {
    return countBelow(this.byClient.get(client)?.possible ?? [], moment);
  }

  /**
   * How many of a client, or of all, had been sent before a moment and were never acknowledged, though they may have
   * been stored.
   */
  unknownBefore(client: string | undefined, moment: number): number {
    const clients = client === undefined ? [...this.clients] : [client];
    return clients.reduce((sum, each) => sum + countBelow(this.byClient.get(each)?.unknown ?? [], moment), 0);
  }

  /** When the nth of a client, from 1, was answered with success. */
  acknowledgedAt(client: string, n: number): number {
    return this.byClient.get(client)?.acknowledged[n - 1] ?? Infinity;
  }
}

/** How many of the rising numbers are below the bound. */
function countBelow(rising: readonly number[], bound: number): number {
  let [from, to] = [0, rising.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((rising[middle] as number) < bound) from = middle + 1;
    else to = middle;
  }
  return from;
}
