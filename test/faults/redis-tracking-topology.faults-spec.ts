import { afterEach, describe, expect, it } from '@jest/globals';
import type { Cluster } from 'ioredis';
import type { RedisSessionStore } from 'nestjs-session-beans/redis';
import { clusterSlot } from '../../libs/session/src/store/redis/redis-cluster.js';
import { eventually } from '../support/eventually.js';
import { readyRedisStore, WatchedRedisStore } from '../support/redis-stores.js';
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
  const watched = async (url: string, key: string): Promise<ReturnType<typeof bound>> => {
    const made = await WatchedRedisStore.open({ url });
    closing.push(() => made.store.close());
    await WatchedRedisStore.create(made.store, key);
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
      const { watch, store: reader } = await watched(redis.url, 'key');
      const before = await watch('key');

      await fail(redis);

      await eventually('it is not trusted any more', () => before.toldUntil === -Infinity);
      await eventually('the replica is the primary', async () => (await redis.primaryPort()) === replica.port);
      // The session may be lost with the primary. Then this creates it again.
      await eventually('the session exists', async () => {
        await WatchedRedisStore.create(reader, 'key');
        return (await reader.load('key')).outcome === 'found';
      });
      await watch('key');
      expect(await replica.info('clients', 'pubsub_clients')).not.toBe('0');
      await isUsed(meter);
      expect(meter.tooOld).toEqual([]);
    });
  });

  describe('in a cluster', () => {
    it('exist for each master', async () => {
      const cluster = await RedisCluster.start({ masters: 3 });
      closing.push(() => cluster.stop());
      const { watch, told, hasHeard } = await watched(cluster.url, 'first');
      const other = await store(cluster.url);
      const keys = Array.from({ length: 60 }, (_, i) => `key${i}`);
      const watches = new Set<object>();
      for (const key of keys) {
        await WatchedRedisStore.create(other, key);
        watches.add(await watch(key));
      }
      told.length = 0;

      for (const key of keys) await other.touch(key);
      for (const its of watches) await hasHeard(its as never);

      expect(watches.size).toBe(3);
      expect(new Set(told)).toEqual(new Set(keys));
      const counts = await Promise.all(cluster.masters.map((master) => master.info('clients', 'tracking_clients')));
      expect(counts).toEqual(['1', '1', '1']);
    });

    it('report a session that moves to another master, and follow it', async () => {
      const cluster = await RedisCluster.start({ masters: 3 });
      closing.push(() => cluster.stop());
      const meter = await metered(cluster.url);
      const { watch, told, store: reader, hasHeard } = await watched(cluster.url, 'key');
      const other = await store(cluster.url);
      const before = await watch('key');
      const name = 'session:{key}';
      const from = cluster.masterOf(name);
      const to = cluster.masters.find((master) => master !== from) as RedisServer;
      told.length = 0;

      await cluster.moveSlot(clusterSlot(name), [name], from, to);
      expect(before.toldUntil === -Infinity || told.includes('key')).toBe(true);
      await WatchedRedisStore.change(other, 'key');

      const after = await eventually('the new master is watched', async () => {
        const its = await watch('key');
        return its !== before && its;
      });
      told.length = 0;
      await WatchedRedisStore.change(other, 'key');
      await hasHeard(after);
      expect(told).toEqual(['key']);
      expect((await reader.load('key')).outcome).toBe('found');
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
      const { watch, store: reader } = await watched(cluster.url, 'key');
      const before = await watch('key');
      const master = cluster.masterOf('session:{key}');
      const replica = cluster.replicas[cluster.masters.indexOf(master)] as RedisServer;

      await fail(master, replica);

      await eventually('it is not trusted any more', () => before.toldUntil === -Infinity);
      await eventually('the session exists', async () => {
        await WatchedRedisStore.create(reader, 'key');
        return (await reader.load('key')).outcome === 'found';
      });
      await watch('key');
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
      const { watch, store: reader } = await watched(cluster.url, 'key');
      const before = await watch('key');
      const master = cluster.masterOf('session:{key}');
      const replica = cluster.replicas[cluster.masters.indexOf(master)] as RedisServer;
      const { client } = reader as unknown as { client: Cluster };
      client.refreshSlotsCache = (done) => done?.();
      const emit = client.emit.bind(client);
      client.emit = (event, ...args) => !/^refresh$|node$/.test(String(event)) && emit(event, ...args);

      await replica.command('CLUSTER', 'FAILOVER');

      await eventually('it is not trusted any more', () => before.toldUntil === -Infinity);
      const after = await watch('key');
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
    watch: (key, withinMs) => watched.watch(key, withinMs),
    hasHeard: (its) => watched.hasHeard(its),
  };
}
