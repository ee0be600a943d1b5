import { afterAll, beforeAll } from '@jest/globals';
import type { RedisSessionStore } from 'nestjs-session-beans/redis';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';
import { realTime } from './real-time.js';

let redis: RedisServer;
let small: RedisServer;
beforeAll(async () => {
  [redis, small] = await Promise.all([RedisServer.start(), RedisServer.start()]);
});
afterAll(() => Promise.all([redis.stop(), small.stop()]));

describeSessionStore('redis', ({ namespace }) => readyRedisStore({ url: redis.url, prefix: `${namespace}:` }), {
  ...realTime,
  async createSmall({ namespace }): Promise<RedisSessionStore> {
    const store = await readyRedisStore({ url: small.url, prefix: `${namespace}:` });
    const used = Number(await small.info('memory', 'used_memory'));
    await small.command('CONFIG', 'SET', 'maxmemory', used + 200_000);
    return store;
  },
});
