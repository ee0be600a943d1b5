import type { RequestEvent } from './history.js';

/** The writes of one client to one session. A client sends one request at a time, so the times in each list rise. */
interface WritesOfClient {
  /** When the successful answers came. */
  readonly acknowledged: number[];

  /** When the writes were sent that are stored or may be stored. */
  readonly possible: number[];

  /** When the writes were sent whose outcome is unknown. */
  readonly unknown: number[];
}

/** The writes of all clients to one session, as far as the clients know them. */
export class AcknowledgedWrites {
  private readonly byClient = new Map<string, WritesOfClient>();

  /** Adds a request. The requests of a client must come in the order in which it sent them. */
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

  /** How many writes of a client had been acknowledged before `moment`. */
  acknowledgedBefore(client: string, moment: number): number {
    return countBelow(this.byClient.get(client)?.acknowledged ?? [], moment);
  }

  /** How many writes of a client had been sent before `moment` and may be stored. */
  possibleBefore(client: string, moment: number): number {
    return countBelow(this.byClient.get(client)?.possible ?? [], moment);
  }

  /**
   * How many writes had been sent before `moment` and were never acknowledged, although they may be stored. Counts one
   * client, or all if `client` is undefined.
   */
  unknownBefore(client: string | undefined, moment: number): number {
    const clients = client === undefined ? [...this.clients] : [client];
    return clients.reduce((sum, each) => sum + countBelow(this.byClient.get(each)?.unknown ?? [], moment), 0);
  }

  /** When the nth write of a client (from 1) was acknowledged. */
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
