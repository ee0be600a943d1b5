import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import type { RedisAddress } from './redis-address.js';
import { reconnectAfterMs } from './redis-port.js';

export type IoredisLibrary = typeof import('ioredis');

/**
 * The settings that a request path needs and that ioredis does not have by default: a command fails at once while there
 * is no connection (a queued one may run long after its request was answered), and is never sent twice by ioredis; a
 * demoted primary is left; a connection that owes an answer and is silent is given up, and is back within a second.
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

/** A sentinel that hangs is skipped. The store listens to a sentinel again soon after it was away. */
const forSentinels: RedisOptions = {
  role: 'master',
  failoverDetector: true,
  sentinelCommandTimeout: 1_000,
  sentinelRetryStrategy: reconnectAfterMs,
  sentinelReconnectStrategy: () => 1_000,
};

/** There are as many redirections as fit into the time that a request waits. */
const forClusters: ClusterOptions = {
  enableOfflineQueue: false,
  maxRedirections: 6,
  clusterRetryStrategy: reconnectAfterMs,
};

/** The client of ioredis for an address, with settings that fit a request path. */
export function ioredisClientFor(
  { Redis: RedisClass, Cluster: ClusterClass }: Pick<IoredisLibrary, 'Redis' | 'Cluster'>,
  { kind, nodes, usesTls, username, password, path }: RedisAddress,
): Redis | Cluster {
  const tls = usesTls ? {} : undefined;
  const login: RedisOptions = { ...(username && { username }), ...(password && { password }) };
  switch (kind) {
    case 'sentinel':
      return new RedisClass({
        ...forRequests,
        ...forSentinels,
        ...login,
        sentinels: [...nodes],
        name: path,
        // With `tls` alone, ioredis asks the sentinels without TLS.
        ...(tls && { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
      });
    case 'cluster': {
      const { retryStrategy: _, ...redisOptions } = forRequests;
      return new ClusterClass([...nodes], {
        ...forClusters,
        redisOptions: { ...redisOptions, ...login, ...(tls && { tls }) },
      });
    }
    case 'single':
      return new RedisClass({ ...forRequests, ...login, ...nodes[0], db: Number(path), ...(tls && { tls }) });
  }
}
