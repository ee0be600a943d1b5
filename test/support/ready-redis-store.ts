import { RedisSessionStore, type RedisSessionStoreOptions } from 'nestjs-session-beans/redis';
import { eventually } from './eventually.js';

/** A store whose connection is there already. */
export async function readyRedisStore(options: Readonly<RedisSessionStoreOptions>): Promise<RedisSessionStore> {
  const store = new RedisSessionStore({ onWarning: () => undefined, ...options });
  await eventually('the store answers', async () => (await store.load('nobody')).outcome === 'none');
  return store;
}
