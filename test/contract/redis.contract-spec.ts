import { afterAll, beforeAll } from '@jest/globals';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';
import { realTime } from './real-time.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());

describeSessionStore(
  'redis',
  ({ namespace }) => readyRedisStore({ url: redis.url, prefix: `${namespace}:` }),
  realTime,
);
