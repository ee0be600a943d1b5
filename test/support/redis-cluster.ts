import { clusterSlot } from '../../libs/session/src/store/redis/redis-cluster.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { RedisServer } from './redis-server.js';

const SLOTS = 16_384;

/**
 * A Redis Cluster of the test's own: masters that share the slots evenly, and replicas of the first masters. Stop it.
 */
export class RedisCluster {
  private constructor(
    readonly masters: readonly RedisServer[],
    readonly replicas: readonly RedisServer[],
  ) {}

  static async start({ masters, replicas = 0 }: { masters: number; replicas?: number }): Promise<RedisCluster> {
    const servers = await Promise.all(Array.from({ length: masters + replicas }, startNode));
    const cluster = new RedisCluster(servers.slice(0, masters), servers.slice(masters));
    try {
      await cluster.join();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get url(): string {
    return `redis+cluster://${this.masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  get nodes(): readonly RedisServer[] {
    return [...this.masters, ...this.replicas];
  }

  /** Which master was given the slot of a key when the cluster was made. */
  masterOf(key: string): RedisServer {
    const index = Math.floor((clusterSlot(key) * this.masters.length) / SLOTS);
    return this.masters[index] as RedisServer;
  }

  /** Resolves when every node that runs says that all slots are served. */
  async isWhole(nodes: readonly RedisServer[] = this.nodes): Promise<void> {
    for (const node of nodes) {
      await eventually('the cluster is whole', async () =>
        String(await node.command('CLUSTER', 'INFO')).includes('cluster_state:ok'),
      );
    }
  }

  /** Moves one slot with these keys in it, as `redis-cli --cluster reshard` does. */
  async moveSlot(slot: number, keys: readonly string[], from: RedisServer, to: RedisServer): Promise<void> {
    const [fromId, toId] = await Promise.all([from, to].map((node) => node.command('CLUSTER', 'MYID')));
    await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(fromId));
    await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(toId));
    for (const key of keys) await from.command('MIGRATE', '127.0.0.1', to.port, key, 0, 5_000);
    await to.command('CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
    await from.command('CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
    for (const node of this.masters) {
      await eventually('every node knows where the slot is', async () => {
        const slots = (await node.command('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
        return slots.some(([first, last, [, port]]) => first <= slot && slot <= last && port === to.port);
      });
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  private async join(): Promise<void> {
    const [first] = this.masters as [RedisServer];
    const count = this.masters.length;
    for (const [index, master] of this.masters.entries()) {
      const [from, to] = [index, index + 1].map((i) => Math.ceil((i * SLOTS) / count)) as [number, number];
      await master.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      await master.command('CLUSTER', 'ADDSLOTSRANGE', from, to - 1);
    }
    const bus = new Map<RedisServer, string>();
    for (const node of this.nodes)
      bus.set(node, String((await node.command('CONFIG', 'GET', 'cluster-port'))?.toString().split(',')[1]));
    for (const node of this.nodes.slice(1)) {
      await node.command('CLUSTER', 'MEET', '127.0.0.1', first.port, String(bus.get(first)));
    }
    for (const node of this.nodes) {
      await eventually('every node knows every other', async () => {
        const known = String(await node.command('CLUSTER', 'NODES'))
          .trim()
          .split('\n');
        return known.length === this.nodes.length && known.every((line) => !/handshake|noaddr/.test(line));
      });
    }
    for (const [index, replica] of this.replicas.entries()) {
      const id = String(await (this.masters[index % count] as RedisServer).command('CLUSTER', 'MYID'));
      await replica.command('CLUSTER', 'REPLICATE', id);
      await eventually(
        'the replica follows',
        async () => (await replica.info('replication', 'master_link_status')) === 'up',
      );
    }
    // A master that has not heard of its replica yet ignores a CLUSTER FAILOVER of it.
    for (const node of this.nodes) {
      await eventually('every node knows the replicas', async () => {
        const known = String(await node.command('CLUSTER', 'NODES'));
        return known.match(/\bslave\b/g)?.length === (this.replicas.length || undefined);
      });
    }
    await this.isWhole();
  }
}

async function startNode(): Promise<RedisServer> {
  return RedisServer.start(
    '--cluster-enabled',
    'yes',
    '--cluster-port',
    `${await freePort()}`,
    // As with sentinels: longer than a busy machine lets a server wait.
    '--cluster-node-timeout',
    '3000',
    '--repl-diskless-sync-delay',
    '0',
    '--repl-ping-replica-period',
    '1',
  );
}
