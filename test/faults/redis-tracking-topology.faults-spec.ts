import { afterEach, describe, expect, it } from '@jest/globals';
import type { Cluster } from 'ioredis';
import type { RedisSessionStore } from 'nestjs-session-beans/redis';
import type { ClientAccess } from 'nestjs-session-beans/store-kit';
import { clusterSlot } from '../../libs/session/src/store/redis/redis-cluster.js';
import { eventually } from '../support/eventually.js';
import { ioredisOf, newAccess, readyRedisStore, WatchedRedisStore } from '../support/redis-stores.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { RedisSentinels } from '../support/redis-sentinels.js';
import type { RedisServer } from '../support/redis-server.js';
import { StalenessMeter } from '../support/staleness-meter.js';

describe('the tracking connections of a near cache', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  const store = async (url: string): Promise<RedisSessionStore> => {
    const made = await readyRedisStore({ url });
    closing.push(() => made.close());
    return made;
  };
  const metered = async (url: string): Promise<StalenessMeter> => {
    const meter = await new StalenessMeter(await store(url), await store(url)).start();
    closing.push(() => meter.stop());
    await isUsed(meter);
    return meter;
  };
  const watched = async (url: string, access: ClientAccess): Promise<ReturnType<typeof bound>> => {
    const made = await WatchedRedisStore.open({ url });
    closing.push(() => made.store.close());
    await WatchedRedisStore.create(made.store, access);
    return bound(made);
  };

  describe('behind sentinels', () => {
    it.each([
      ['dies', (redis: RedisSentinels) => redis.primary.kill()],
      [
        'hands over on command',
        (redis: RedisSentinels) => (redis.sentinels[0] as RedisServer).command('SENTINEL', 'FAILOVER', 'sessions'),
      ],
    ])('follow the primary when it %s, and no copy is too old', async (_title, fail) => {
      const redis = await RedisSentinels.start({ replicas: 1, sentinels: 3 });
      closing.push(() => redis.stop());
      const [replica] = redis.replicas as [RedisServer];
      const meter = await metered(redis.url);
      const access = newAccess();
      const { watch, store: reader } = await watched(redis.url, access);
      const before = await watch(access);

      await fail(redis);

      await eventually('it is not trusted any more', () => before.toldUntil === -Infinity);
      await eventually('the replica is the primary', async () => (await redis.primaryPort()) === replica.port);
      // The session may be lost with the primary. Then this creates it again.
      await eventually('the session exists', async () => {
        await WatchedRedisStore.create(reader, access);
        return (await reader.load(access)).outcome === 'found';
      });
      await watch(access);
      expect(await replica.info('clients', 'pubsub_clients')).not.toBe('0');
      await isUsed(meter);
      expect(meter.tooOld).toEqual([]);
    });
  });

  describe('in a cluster', () => {
    it('exist for each master', async () => {
      const cluster = await RedisCluster.start({ masters: 3 });
      closing.push(() => cluster.stop());
      const { watch, told, hasHeard } = await watched(cluster.url, newAccess());
      const other = await store(cluster.url);
      const sessions = Array.from({ length: 60 }, newAccess);
      const watches = new Set<object>();
      for (const access of sessions) {
        await WatchedRedisStore.create(other, access);
        watches.add(await watch(access));
      }
      told.length = 0;

      for (const access of sessions) await other.touch(access);
      for (const its of watches) await hasHeard(its as never);

      expect(watches.size).toBe(3);
      expect(new Set(told)).toEqual(new Set(sessions.map(({ key }) => key)));
      const counts = await Promise.all(cluster.masters.map((master) => master.info('clients', 'tracking_clients')));
      expect(counts).toEqual(['1', '1', '1']);
    });

    it('report a session that moves to another master, and follow it', async () => {
      const cluster = await RedisCluster.start({ masters: 3 });
      closing.push(() => cluster.stop());
      const meter = await metered(cluster.url);
      const access = newAccess();
      const { watch, told, store: reader, hasHeard } = await watched(cluster.url, access);
      const other = await store(cluster.url);
      const before = await watch(access);
      const name = nameOf(access);
      const from = cluster.masterOf(name);
      const to = cluster.masters.find((master) => master !== from) as RedisServer;
      told.length = 0;

      await cluster.moveSlot(clusterSlot(name), [name], from, to);
      expect(before.toldUntil === -Infinity || told.includes(access.key)).toBe(true);
      await WatchedRedisStore.change(other, access);

      const after = await eventually('the new master is watched', async () => {
        const its = await watch(access);
        return its !== before && its;
      });
      told.length = 0;
      await WatchedRedisStore.change(other, access);
      await hasHeard(after);
      expect(told).toEqual([access.key]);
      expect((await reader.load(access)).outcome).toBe('found');
      await isUsed(meter);
      expect(meter.tooOld).toEqual([]);
    });

    it.each([
      ['dies', (master: RedisServer) => master.kill()],
      ['hands over on command', (_master: RedisServer, replica: RedisServer) => replica.command('CLUSTER', 'FAILOVER')],
    ])('follow when a master %s, and no copy is too old', async (_title, fail) => {
      const cluster = await RedisCluster.start({ masters: 3, replicas: 3 });
      closing.push(() => cluster.stop());
      const meter = await metered(cluster.url);
      const access = newAccess();
      const { watch, store: reader } = await watched(cluster.url, access);
      const before = await watch(access);
      const master = cluster.masterOf(nameOf(access));
      const replica = cluster.replicas[cluster.masters.indexOf(master)] as RedisServer;

      await fail(master, replica);

      await eventually('it is not trusted any more', () => before.toldUntil === -Infinity);
      await eventually('the session exists', async () => {
        await WatchedRedisStore.create(reader, access);
        return (await reader.load(access)).outcome === 'found';
      });
      await watch(access);
      await eventually(
        'the new master tracks',
        async () => (await replica.info('clients', 'tracking_clients')) === '2',
      );
      await isUsed(meter);
      expect(meter.tooOld).toEqual([]);
    });

    it('follow a redirection even while no node tells where the slots are', async () => {
      const cluster = await RedisCluster.start({ masters: 3, replicas: 3 });
      closing.push(() => cluster.stop());
      const access = newAccess();
      const { watch, store: reader } = await watched(cluster.url, access);
      const before = await watch(access);
      const master = cluster.masterOf(nameOf(access));
      const replica = cluster.replicas[cluster.masters.indexOf(master)] as RedisServer;
      const client = ioredisOf(reader) as unknown as Cluster;
      client.refreshSlotsCache = (done) => done?.();
      const emit = client.emit.bind(client);
      client.emit = (event, ...args) => !/^refresh$|node$/.test(String(event)) && emit(event, ...args);

      await replica.command('CLUSTER', 'FAILOVER');

      await eventually('it is not trusted any more', () => before.toldUntil === -Infinity);
      const after = await watch(access);
      expect(after.toldUntil).toBeGreaterThan(0);
      expect(await replica.info('clients', 'tracking_clients')).toBe('1');
    });
  });
});

function isUsed(meter: StalenessMeter): Promise<boolean> {
  const { hits } = meter;
  return eventually('copies are used', () => meter.hits > hits + 50);
}

function bound(watched: WatchedRedisStore): Pick<WatchedRedisStore, 'store' | 'told' | 'watch' | 'hasHeard'> {
  const { store, told } = watched;
  return {
    store,
    told,
    watch: (access, withinMs) => watched.watch(access, withinMs),
    hasHeard: (its) => watched.hasHeard(its),
  };
}

function nameOf({ key }: ClientAccess): string {
  return `session:{${key}}`;
}
