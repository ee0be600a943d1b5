import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import type { RedisClient } from './redis-client.js';

/**
 * What a request path needs and ioredis does not do by default: fail at once while there is no connection (a queued command may run long after its
 * request was answered), never run a command twice by itself, leave a demoted primary, and come back within a second.
 */
const forRequests: RedisOptions = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  commandTimeout: 5_000,
  connectTimeout: 2_000,
  retryStrategy: (times) => Math.min(1_000, 50 * times) * (0.75 + Math.random() / 2),
  reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
};

/**
 * A client for a URL: `redis://`, `rediss://`, `redis+sentinel://h1:p,h2:p/master`, `redis+cluster://h1:p,h2:p`.
 * @throws SessionConfigurationError when it is none of these; its text holds no password
 */
export function connectRedis(url: string): RedisClient {
  const [, scheme = '', credentials = '', hosts = '', path = ''] =
    /^([a-z+]+):\/\/(?:([^@/]*)@)?([^/?]+)(?:\/([^?]*))?$/.exec(url) ?? [];
  const [username, password] = credentials.split(':').map(decodeURIComponent);
  const login: RedisOptions = { ...(username && { username }), ...(password && { password }) };
  switch (scheme) {
    case 'redis':
    case 'rediss': {
      const [node] = nodesOf(hosts, 6379);
      if (hosts.includes(',') || !node || !/^\d*$/.test(path)) break;
      return quiet(
        new Redis({
          ...forRequests,
          ...login,
          ...node,
          db: Number(path || 0),
          ...(scheme === 'rediss' && { tls: {} }),
        }),
      );
    }
    case 'redis+sentinel':
    case 'rediss+sentinel': {
      if (path === '') break;
      return quiet(
        new Redis({
          ...forRequests,
          ...login,
          sentinels: nodesOf(hosts, 26379),
          name: path,
          failoverDetector: true,
          ...(scheme.startsWith('rediss') && { tls: {} }),
        }),
      );
    }
    case 'redis+cluster':
    case 'rediss+cluster': {
      const { retryStrategy, ...redisOptions } = forRequests;
      return quiet(
        new Cluster(nodesOf(hosts, 6379), {
          enableOfflineQueue: false,
          clusterRetryStrategy: retryStrategy as (times: number) => number,
          redisOptions: { ...redisOptions, ...login, ...(scheme.startsWith('rediss') && { tls: {} }) },
        }),
      );
    }
  }
  throw new SessionConfigurationError(
    `RedisSessionStore option url: allowed are redis://host:port/db, rediss://host:port/db, redis+sentinel://host:port,host:port/master and redis+cluster://host:port,host:port, not ${scheme || 'this'}://...`,
  );
}

function nodesOf(hosts: string, defaultPort: number): { host: string; port: number }[] {
  return hosts.split(',').map((node) => {
    const [, host = '', port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(node) ?? [];
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultPort) };
  });
}

/** Without a listener ioredis prints every failed attempt; requests are told by their own errors. */
function quiet<T extends RedisClient>(client: T): T {
  client.on('error', () => undefined);
  return client;
}
