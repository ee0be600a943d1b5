import { createRequire } from 'node:module';
import { type IoredisLibrary, ioredisClientFor } from './clients/connect-ioredis.js';
import { type NodeRedisLibrary, ownNodeRedisClientFor } from './clients/connect-node-redis.js';
import { OwnIoredisClient } from './clients/ioredis-client.js';
import { redisAddress } from './clients/redis-address.js';
import type { OwnClient } from './clients/redis-port.js';
import { redisOptionChecks } from './redis-session-store.options.js';

/** Either library will do. The first one that is installed is taken. */
export const redisLibraries = ['ioredis', 'redis', '@redis/client'];

/**
 * Makes a client for a url, with ioredis where it is installed, else with node-redis.
 *
 * @throws SessionConfigurationError when the url is none that can be used, or when no library is installed
 */
export function connectRedis(url: string): OwnClient {
  const address = redisAddress(url);
  const [name, library] = installedLibrary();
  return name === 'ioredis'
    ? new OwnIoredisClient(ioredisClientFor(library as IoredisLibrary, address))
    : ownNodeRedisClientFor(library as NodeRedisLibrary, address);
}

/** They are loaded when they are needed, and at once: a constructor cannot wait for `import()`. */
function installedLibrary(): readonly [name: string, library: unknown] {
  const require = createRequire(import.meta.url);
  for (const name of redisLibraries) {
    try {
      return [name, require(name)];
    } catch (error) {
      const { code, message } = error as Error & { readonly code?: string };
      if (code !== 'MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw error;
    }
  }
  throw redisOptionChecks.secretRefusal('url', 'a url', 'only beside ioredis or redis: npm i ioredis, or npm i redis');
}
