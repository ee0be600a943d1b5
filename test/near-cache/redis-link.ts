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

  /** How much later, in ms, an answer or a message arrives. Asked for each. */
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

  /** Nothing passes in this direction any more, on connections of now and later, and nobody is told. */
  blackHole(role: LinkRole, direction: Direction): void {
    this.holes.add(`${role} ${direction}`);
  }

  /** What was held arrives, late and in order, as TCP does it when the network is back. */
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
