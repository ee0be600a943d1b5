import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { Wire } from './wire.js';

/** The purpose of a connection: invalidations that Redis sends, or all other traffic. */
export type LinkRole = 'invalidations' | 'data';
export type LinkDirection = 'to Redis' | 'from Redis';

interface Link {
  role: LinkRole;
  readonly client: Socket;
  readonly wires: Readonly<Record<LinkDirection, Wire>>;
}

/** The channel that only invalidation connections subscribe to. */
const INVALIDATIONS = '__redis__:invalidate';

/**
 * A proxy between one application server and Redis. It tells the connections apart by their purpose. The test closes
 * it.
 */
export class RedisLink {
  private readonly links = new Set<Link>();
  private readonly holes = new Set<string>();

  /** By how many ms an answer or message of Redis is delayed. It is called for each of them. */
  delayMs: (role: LinkRole) => number = () => 0;

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {}

  static async start(targetPort: number): Promise<RedisLink> {
    const server = createServer();
    const link = new RedisLink(server, targetPort);
    server.on('connection', (client) => link.join(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return link;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  /** The number of connections with this purpose. */
  count(role: LinkRole): number {
    return [...this.links].filter((link) => link.role === role).length;
  }

  /** Lets nothing pass in this direction any more, on present and future connections, without an error. */
  blackHole(role: LinkRole, direction: LinkDirection): void {
    this.holes.add(`${role} ${direction}`);
    for (const link of this.links) this.hold(link);
  }

  /** Delivers all bytes that were held back. */
  heal(): void {
    this.holes.clear();
    for (const { wires } of this.links) for (const wire of Object.values(wires)) wire.release();
  }

  /** Closes the connections with this purpose. */
  cut(role: LinkRole): void {
    for (const link of this.links) if (link.role === role) link.client.destroy();
  }

  async close(): Promise<void> {
    for (const { client } of this.links) client.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private hold({ role, wires }: Link): void {
    for (const direction of ['to Redis', 'from Redis'] as const)
      if (this.holes.has(`${role} ${direction}`)) wires[direction].hold();
  }

  private join(client: Socket): void {
    const redis = connect(this.targetPort, '127.0.0.1');
    const wires = { 'to Redis': new Wire(redis), 'from Redis': new Wire(client) };
    const link: Link = { role: 'data', client, wires };
    this.links.add(link);
    this.hold(link);
    client.setNoDelay(true);
    redis.setNoDelay(true);
    client.on('data', (bytes) => {
      if (link.role === 'data' && bytes.includes(INVALIDATIONS)) {
        link.role = 'invalidations';
        this.hold(link);
      }
      wires['to Redis'].pass(bytes, 0);
    });
    redis.on('data', (bytes) => wires['from Redis'].pass(bytes, this.delayMs(link.role)));
    for (const [socket, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.links.delete(link);
        other.destroy();
      });
    }
  }
}
