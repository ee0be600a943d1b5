import { afterAll, beforeAll } from '@jest/globals';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { redisLibraries } from '../../libs/session/src/store/redis/connect-redis.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisSentinels } from '../support/redis-sentinels.js';
import { realTime } from './real-time.js';

/** It needs half a second to make a client for sentinels, and sessions have to outlive that. */
const isNodeRedis = redisLibraries[0] !== 'ioredis';

let redis: RedisSentinels;
beforeAll(async () => {
  redis = await RedisSentinels.start({ replicas: 1, sentinels: 1 });
});
afterAll(() => redis.stop());

describeSessionStore(
  'redis behind sentinel',
  ({ namespace }) => readyRedisStore({ url: redis.url, prefix: `${namespace}:` }),
  isNodeRedis ? { ...realTime, unitMs: 3 * (realTime.unitMs ?? 100) } : realTime,
);
