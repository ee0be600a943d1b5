import { type Direction, type ProxiedConnection, TcpProxy } from '../support/tcp-proxy.js';

/** What a connection is for: to be told what others change, or everything else. */
export type LinkRole = 'invalidations' | 'data';

/** What the connection subscribes to which is told about changed keys. */
const INVALIDATIONS = '__redis__:invalidate';

/** The network between one application server and Redis, which knows its connections by what they are for. Close it. */
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
