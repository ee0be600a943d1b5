import { type Direction, type ProxiedConnection, TcpProxy } from '../support/tcp-proxy.js';

/** The purpose of a connection: notices that the store sends, or all other traffic. */
export type LinkRole = 'invalidations' | 'data';

/** Only connections for invalidations subscribe to a channel: with Redis, and with PostgreSQL. */
const SUBSCRIPTION = /__redis__:invalidate|LISTEN "/;

/**
 * A proxy between one application server and its store. It tells the connections apart by their purpose. The test
 * closes it.
 */
export class StoreLink {
  private readonly holes = new Set<string>();

  /** By how many ms an answer or message of the store is delayed. It is called for each of them. */
  delayMs: (role: LinkRole) => number = () => 0;

  private constructor(private readonly proxy: TcpProxy) {
    proxy.delayMs = (connection) => this.delayMs(roleOf(connection));
    proxy.holds = (connection, direction) => this.holes.has(`${roleOf(connection)} ${direction}`);
  }

  static async start(targetPort: number): Promise<StoreLink> {
    return new StoreLink(await TcpProxy.start(targetPort));
  }

  /** The address of the store, by way of this proxy. */
  urlOf(store: string): string {
    const url = new URL(store);
    url.port = `${this.proxy.port}`;
    return url.href;
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
  return SUBSCRIPTION.test(sent) ? 'invalidations' : 'data';
}
