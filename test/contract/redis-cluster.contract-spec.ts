import { afterAll, beforeAll } from '@jest/globals';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { realTime } from './real-time.js';

let redis: RedisCluster;
beforeAll(async () => {
  redis = await RedisCluster.start({ masters: 3 });
});
afterAll(() => redis.stop());

describeSessionStore(
  'redis cluster',
  ({ namespace }) => readyRedisStore({ url: redis.url, prefix: `${namespace}:` }),
  realTime,
);
