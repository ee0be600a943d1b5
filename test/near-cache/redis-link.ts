import { type Direction, type ProxiedConnection, TcpProxy } from '../support/tcp-proxy.js';

/** The purpose of a connection: invalidations that Redis sends, or all other traffic. */
export type LinkRole = 'invalidations' | 'data';

/** The channel that only invalidation connections subscribe to. */
const INVALIDATIONS = '__redis__:invalidate';

/**
 * A proxy between one application server and Redis. It tells the connections apart by their purpose. The test closes
 * it.
 */
export class RedisLink {
  private readonly holes = new Set<string>();

  /** By how many ms an answer or message of Redis is delayed. It is called for each of them. */
  delayMs: (role: LinkRole) => number = () => 0;

  private constructor(private readonly proxy: TcpProxy) {
    proxy.delayMs = (connection) => this.delayMs(roleOf(connection));
    proxy.holds = (connection, direction) => this.holes.has(`${roleOf(connection)} ${direction}`);
  }

  static async start(targetPort: number): Promise<RedisLink> {
    return new RedisLink(await TcpProxy.start(targetPort));
  }

  get url(): string {
    return `redis://127.0.0.1:${this.proxy.port}`;
  }

  /** Lets nothing pass in this direction any more, on present and future connections, without an error. */
  blackHole(role: LinkRole, direction: Direction): void {
    this.holes.add(`${role} ${direction}`);
  }

  /** Delivers all bytes that were held back, in order, as TCP does when the network is back. */
  heal(): void {
    this.holes.clear();
    this.proxy.release();
  }

  close(): Promise<void> {
    return this.proxy.close();
  }
}

function roleOf({ sent }: ProxiedConnection): LinkRole {
  return sent.includes(INVALIDATIONS) ? 'invalidations' : 'data';
}
