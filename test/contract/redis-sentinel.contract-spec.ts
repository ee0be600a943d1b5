import { afterAll, beforeAll } from '@jest/globals';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisSentinels } from '../support/redis-sentinels.js';
import { realTime } from './real-time.js';

let redis: RedisSentinels;
beforeAll(async () => {
  redis = await RedisSentinels.start({ replicas: 1, sentinels: 1 });
});
afterAll(() => redis.stop());

describeSessionStore(
  'redis behind sentinel',
  ({ namespace }) => readyRedisStore({ url: redis.url, prefix: `${namespace}:` }),
  realTime,
);
