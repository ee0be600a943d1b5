import type { Redis } from 'ioredis';

interface Round {
  readonly reached: Promise<number>;
}

/**
 * Asks how many replicas have what was written, with WAIT. It counts for the connection it is sent on and blocks everything behind it, so
 * the writes whose answers came in together share one.
 */
export class ReplicaAcknowledgements {
  private readonly rounds = new Map<Redis, Round>();

  constructor(
    readonly replicas: number,
    readonly timeoutMs: number,
  ) {}

  /** How many have everything that was answered on this connection before the call. */
  reached(connection: Redis): Promise<number> {
    let round = this.rounds.get(connection);
    if (!round) {
      round = { reached: this.ask(connection) };
      this.rounds.set(connection, round);
    }
    return round.reached;
  }

  private async ask(connection: Redis): Promise<number> {
    await new Promise((resolve) => setImmediate(resolve));
    // Who calls from now on has written after this.
    this.rounds.delete(connection);
    return connection.wait(this.replicas, this.timeoutMs);
  }
}
