import type { RedisConnection } from './clients/redis-port.js';

/**
 * Asks with WAIT how many replicas have the writes of a connection. WAIT counts for the connection that it is sent on,
 * and blocks all commands behind it. So writes that are answered in one turn of the event loop share one WAIT.
 */
export class ReplicaAcknowledgements {
  /** The answer to the next WAIT on each connection. */
  private readonly next = new Map<RedisConnection, Promise<number>>();

  constructor(
    readonly replicas: number,
    readonly timeoutMs: number,
  ) {}

  /** How many replicas have everything that was answered on this connection before the call. */
  count(connection: RedisConnection): Promise<number> {
    let count = this.next.get(connection);
    if (!count) {
      count = this.ask(connection);
      this.next.set(connection, count);
    }
    return count;
  }

  private async ask(connection: RedisConnection): Promise<number> {
    await new Promise((resolve) => setImmediate(resolve));
    // Writes that are answered from now on need a WAIT of their own.
    this.next.delete(connection);
    return Number(await connection.ask('WAIT', `${this.replicas}`, `${this.timeoutMs}`));
  }
}
