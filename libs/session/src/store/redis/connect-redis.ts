import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import type { SessionBootError } from '../../errors/session-boot.error.js';
import type { RedisClient } from './redis-client.js';
import { redisOptionChecks } from './redis-session-store.options.js';

const reconnectAfterMs = (times: number): number => Math.min(1_000, 50 * times) * (0.75 + Math.random() / 2);

/**
 * What a request path needs and ioredis does not do by default: fail at once while there is no connection (a queued command may run long after its
 * request was answered), never run a command twice by itself, leave a demoted primary, give up a connection that is silent while it owes an
 * answer, and come back within a second.
 */
const forRequests: RedisOptions = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  connectTimeout: 2_000,
  socketTimeout: 2_000,
  disconnectTimeout: 250,
  retryStrategy: reconnectAfterMs,
  reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
};

/** A sentinel that hangs is passed over; its news are listened to again soon after it was away. */
const forSentinels: RedisOptions = {
  role: 'master',
  failoverDetector: true,
  sentinelCommandTimeout: 1_000,
  sentinelRetryStrategy: reconnectAfterMs,
  sentinelReconnectStrategy: () => 1_000,
};

/** As many redirections as fit into the time a request waits. */
const forClusters: ClusterOptions = {
  enableOfflineQueue: false,
  maxRedirections: 6,
  clusterRetryStrategy: reconnectAfterMs,
};

/**
 * A client for a URL: `redis://`, `rediss://`, `redis+sentinel://h1:p,h2:p/master`, `redis+cluster://h1:p,h2:p`; `rediss+` speaks TLS to every
 * server, sentinels too.
 * @throws SessionConfigurationError when it is none of these; its text holds no password
 */
export function connectRedis(url: string): RedisClient {
  const [, scheme = '', secure, kind = '', credentials = '', hosts = '', path = ''] =
    /^(redis(s?)(\+sentinel|\+cluster)?):\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^/?#]*))?$/.exec(url) ?? [];
  if (scheme === '') throw refused();
  const { tls, ...login } = { ...loginOf(credentials), tls: secure ? {} : undefined };
  const nodes = hosts.split(',').map((node) => nodeOf(node, kind === '+sentinel' ? 26379 : 6379));
  switch (kind) {
    case '+sentinel':
      if (path === '') throw refused();
      return new Redis({
        ...forRequests,
        ...forSentinels,
        ...login,
        sentinels: nodes,
        name: path,
        // `tls` alone is not used by ioredis when it asks sentinels for the address.
        ...(tls && { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
      });
    case '+cluster': {
      // A cluster has one database.
      if (path !== '' && path !== '0') throw refused();
      const { retryStrategy: _, ...redisOptions } = forRequests;
      return new Cluster(nodes, { ...forClusters, redisOptions: { ...redisOptions, ...login, ...(tls && { tls }) } });
    }
    default:
      if (nodes.length > 1 || !/^\d{0,4}$/.test(path)) throw refused();
      return new Redis({ ...forRequests, ...login, ...nodes[0], db: Number(path), ...(tls && { tls }) });
  }
}

function loginOf(credentials: string): RedisOptions {
  const [, username, password] = /^([^:]*):?(.*)$/.exec(credentials) ?? [];
  try {
    return {
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
    };
  } catch {
    throw refused();
  }
}

function nodeOf(node: string, defaultPort: number): { host: string; port: number } {
  const [, host = '', port] = /^(\[[\da-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i.exec(node) ?? [];
  if (host === '' || Number(port ?? defaultPort) > 65_535) throw refused();
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultPort) };
}

/** The url itself is not shown: it may hold a password. */
function refused(): SessionBootError {
  return redisOptionChecks.secretRefusal(
    'url',
    'a url',
    'redis://user:password@host:port/db, redis+sentinel://host:port,host:port/master, ' +
      'redis+cluster://host:port,host:port, with rediss for TLS and special characters of the password ' +
      'percent-encoded; for everything else give a client',
  );
}
