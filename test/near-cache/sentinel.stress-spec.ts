import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { RedisSentinels } from '../support/redis-sentinels.js';
import type { RedisServer } from '../support/redis-server.js';
import { type NearCacheServer, NearCacheServers } from './near-cache-servers.js';
import { runStress } from './run-stress.js';
import { lastingRoutes } from './route-mix.js';

const MAX_STALENESS_MS = 200;

/**
 * Replication is asynchronous. With `durability`, a successful answer means that the only replica has the change. That
 * replica takes over, so no acknowledged change is lost. An answer 503 means that the replica did not confirm in time.
 * Other clients may have seen such a change, and it may be gone after a failover; no cache can restore it. The checker
 * allows exactly that.
 */
describe.each(['validate', 'bounded'] as const)('near cache in mode %s, when Redis fails over', (mode) => {
  let redis: RedisSentinels;
  let all: NearCacheServers;
  let servers: NearCacheServer[];
  let judge: NearCacheServer;
  beforeEach(async () => {
    redis = await RedisSentinels.start({ replicas: 1, sentinels: 3 });
    all = new NearCacheServers();
    const env = { STORE_URL: redis.url, REPLICAS: '1' };
    const bound = mode === 'bounded' ? { MAX_STALENESS_MS: `${MAX_STALENESS_MS}` } : undefined;
    servers = await all.start(4, { ...env, NEAR_CACHE: mode, ...bound });
    [judge] = (await all.start(1, { STORE_URL: redis.url })) as [NearCacheServer];
  });
  afterEach(async () => {
    await all?.stop();
    await redis?.stop();
  });

  const failover = async (start: () => Promise<unknown>): Promise<void> => {
    const [replica] = redis.replicas as [RedisServer];
    await start();
    await eventually('the replica is the primary', async () => (await redis.primaryPort()) === replica.port, 30_000);
    // Until then the old primary still answers servers that do not know the new one.
    await eventually('the old primary is a replica', () => isNoPrimary(redis.primary), 30_000);
  };

  it.each<[string, () => Promise<unknown>]>([
    ['because the primary crashed', () => redis.primary.kill()],
    ['on command', () => (redis.sentinels[0] as RedisServer).command('SENTINEL', 'FAILOVER', 'sessions')],
  ])(
    '%s, loses no acknowledged update, shows clients their own writes, and agrees with the store',
    async (_why, start) => {
      const result = await runStress({
        servers,
        judge,
        maxStalenessMs: mode === 'bounded' ? MAX_STALENESS_MS : 0,
        durationMs: Number(process.env['STRESS_MS'] ?? 4_000),
        routes: lastingRoutes,
        meanwhile: async (load) => {
          await pause(1_000);
          await load.failover(() => failover(start));
          await pause(1_000);
        },
      });
      expect(result.broken).toEqual({});
      expect(result.outcomes['ok']).toBeGreaterThan(0);
    },
  );
});

function isNoPrimary(server: RedisServer): Promise<boolean> {
  return server.info('replication', 'role').then(
    (role) => role !== 'master',
    () => true,
  );
}
