import { afterAll, beforeAll } from '@jest/globals';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { RedisServer } from '../support/redis-server.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());

describeSessionStore(
  'redis',
  ({ namespace }) => new RedisSessionStore({ url: redis.url, prefix: `${namespace}:`, onWarning: () => undefined }),
  {
    unitMs: 100,
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  },
);
