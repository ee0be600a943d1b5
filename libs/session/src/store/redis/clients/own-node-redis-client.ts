import type { AnyNodeRedis } from './node-redis-types.js';
import { type OwnClient, type RedisClientPort, reconnectAfterMs } from './redis-port.js';

/** The settings of its sockets with which a client is made. */
export interface OwnSockets {
  readonly connectTimeout: number;
  readonly socketTimeout: number;
  readonly reconnectStrategy: (times: number) => number | false;
}

/**
 * A client of node-redis that the store made. A client of one server connects again by itself; one of a cluster or
 * behind sentinels gives up when its first attempt fails.
 */
export class OwnNodeRedisClient implements OwnClient {
  readonly port: RedisClientPort;
  private readonly client: AnyNodeRedis;
  private isClosed = false;

  constructor(make: (socket: OwnSockets) => { readonly client: AnyNodeRedis; readonly port: RedisClientPort }) {
    const sockets: OwnSockets = {
      connectTimeout: 2_000,
      socketTimeout: 2_000,
      reconnectStrategy: (times) => !this.isClosed && reconnectAfterMs(times),
    };
    ({ client: this.client, port: this.port } = make(sockets));
    // Without a listener an error would end the process. Requests get errors of their own.
    this.client.on('error', () => undefined);
    this.client.on('ready', () => this.isClosed && this.destroy());
    void this.connect();
  }

  async open(): Promise<void> {
    if (!this.isClosed) return;
    this.isClosed = false;
    const failed = new Promise<void>((resolve) => this.client.on('error', () => resolve()));
    await Promise.race([this.connect(), failed]);
  }

  close(): void {
    this.isClosed = true;
    // While it connects, release 5 forgets that it was destroyed. It is destroyed when it is connected.
    if ('unref' in this.client && !this.client.isReady) this.client.unref();
    else this.destroy();
  }

  private async connect(): Promise<void> {
    const { client } = this;
    for (let times = 1; !this.isClosed; times++) {
      try {
        await client.connect();
      } catch {
        this.destroy();
        await new Promise((resolve) => setTimeout(resolve, reconnectAfterMs(times)).unref());
        continue;
      }
      if (this.isClosed) this.destroy();
      return;
    }
  }

  private destroy(): void {
    try {
      Promise.resolve(this.client.destroy()).catch(() => undefined);
    } catch {
      // It was closed already.
    }
  }
}
