import { RedisStore } from 'connect-redis';
import { createClient } from 'redis';

export async function connectRedisStore(port) {
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  await client.connect();
  return new RedisStore({ client, prefix: 'peer:', ttl: 1800 });
}
