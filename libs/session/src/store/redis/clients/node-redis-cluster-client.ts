import type { SessionRisk } from '../../session-risk.js';
import { clusterSlot } from '../redis-cluster.js';
import { NodeRedisConnection, NodeRedisPort, listening, offline } from './node-redis-connection.js';
import type { NodeRedisCluster, NodeRedisSingle, ReplyForm } from './node-redis-types.js';
import { OwnNodeRedisClient } from './own-node-redis-client.js';
import type { OwnClient, RedisClientListener, RedisClientPort, RedisConnection } from './redis-port.js';

const CLUSTER_EVENTS = ['connect', 'disconnect', 'node-ready', 'node-reconnecting', 'node-error', 'node-disconnect'];

/** The slots are not asked for more often. */
const REFRESH_MS = 100;

/** A cluster client of node-redis. */
export class NodeRedisClusterClient extends NodeRedisPort implements RedisClientPort {
  readonly isCluster = true;
  private readonly connections = new WeakMap<NodeRedisSingle, NodeRedisConnection>();
  private refreshedAt = -Infinity;

  constructor(readonly client: NodeRedisCluster) {
    super();
  }

  get isReady(): boolean {
    return this.client.isOpen && this.client.masters.length > 0;
  }

  get isEnded(): boolean {
    return !this.client.isOpen;
  }

  get usesTls(): boolean {
    return this.anyNode?.usesTls === true;
  }

  get risks(): readonly SessionRisk[] {
    return this.anyNode?.risks ?? [];
  }

  async send(command: readonly string[], form: ReplyForm, key = ''): Promise<unknown> {
    const node = this.client.slots[clusterSlot(key)]?.master.client;
    // node-redis would wait until the node is there again, and would not ask whether another one has taken over.
    if (!node?.isReady) {
      this.refreshSlots();
      throw offline();
    }
    return this.connectionOf(node).watched(() => this.client.sendCommand(key, false, command, form));
  }

  primaries(): ReadonlyMap<string, RedisConnection> {
    const primaries = new Map<string, RedisConnection>();
    for (const { address, client } of this.client.masters) {
      if (client?.isReady) primaries.set(address, this.connectionOf(client));
    }
    return primaries;
  }

  primaryNameOf(slot: number): string | undefined {
    return this.client.slots[slot]?.master.address;
  }

  refreshSlots(): void {
    const { masters, _slots } = this.client;
    const now = performance.now();
    const [first] = masters;
    const node = masters.find(({ client }) => client?.isReady)?.client ?? first?.client;
    if (!node || now - this.refreshedAt < REFRESH_MS) return;
    this.refreshedAt = now;
    _slots?.rediscover?.(node).catch(() => undefined);
  }

  listen({ changed, failed }: RedisClientListener): () => void {
    return listening(this.client, [
      ...(changed ? CLUSTER_EVENTS.map((event) => [event, changed] as const) : []),
      ...(failed ? ['error', 'node-error'].map((event) => [event, failed] as const) : []),
    ]);
  }

  duplicate(): OwnClient {
    return new OwnNodeRedisClient(() => {
      const client = this.client.duplicate();
      return { client, port: new NodeRedisClusterClient(client) };
    });
  }

  private get anyNode(): NodeRedisConnection | undefined {
    const node = this.client.masters.find(({ client }) => client)?.client;
    return node && this.connectionOf(node);
  }

  private connectionOf(node: NodeRedisSingle): NodeRedisConnection {
    let connection = this.connections.get(node);
    if (!connection) this.connections.set(node, (connection = new NodeRedisConnection(node)));
    return connection;
  }
}
