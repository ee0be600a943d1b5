import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { eventually } from '../support/eventually.js';
import { ioredisOf, newAccess } from '../support/redis-stores.js';
import { RedisSentinels } from '../support/redis-sentinels.js';

let redis: RedisSentinels;
beforeAll(async () => {
  redis = await RedisSentinels.start({ replicas: 0, sentinels: 1 });
});
afterAll(() => redis.stop());

it('the Redis store connects again when ioredis gives up its client during a failover', async () => {
  const store = new RedisSessionStore({ url: redis.url, onWarning: () => undefined });
  try {
    const client = ioredisOf(store);
    const connector = Reflect.get(client, 'connector') as { disconnect(): void };
    const answers = async (): Promise<boolean> => (await store.load(newAccess())).outcome === 'none';
    await eventually('the store answers', answers);
    let ends = 0;
    client.on('end', () => ends++);
    for (let round = 1; round <= 3; round++) {
      // ioredis' own failover detector does the same, at the one moment at which ioredis makes no further attempt.
      client.once('connecting', () => connector.disconnect());
      client.disconnect(true);
      await eventually('ioredis has given up', () => ends === round);
      await eventually('the store answers again', answers);
    }
    expect(client.status).toBe('ready');
  } finally {
    await store.close();
  }
});
