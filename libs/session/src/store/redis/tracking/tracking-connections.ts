import type { Redis, RedisOptions } from 'ioredis';
import type { TrackedConnection } from '../redis-client.js';
import type { RedisKeyNames } from '../redis-key-names.js';
import { redisScripts } from '../redis-scripts.js';

/**
 * Whatever the user's client does to get through faults: a connection of a pair lives once, is not used before it is ready, sends nothing twice and
 * nothing later. That it is alive is seen by its beats.
 */
const FOR_ONE_LIFE: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  enableReadyCheck: false,
  enableAutoPipelining: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  reconnectOnError: null,
  sentinelRetryStrategy: () => null,
  failoverDetector: false,
  readOnly: false,
  connectTimeout: 2_000,
  socketTimeout: undefined,
  disconnectTimeout: 100,
};

/** The connections of one `TrackingPair`, to the server that `node` leads to; not connected yet. */
export function trackingConnections(node: Redis, names: RedisKeyNames): { sink: Redis; data: TrackedConnection } {
  // ioredis drops what RESP3 pushes, so it is told in the way of RESP2.
  const sink = node.duplicate({ ...FOR_ONE_LIFE, connectionName: 'session-beans:sink', keyPrefix: '', protocol: 2 });
  const data = node.duplicate({
    ...FOR_ONE_LIFE,
    connectionName: 'session-beans:data',
    keyPrefix: names.clientPrefix,
    // It may have been chosen with SELECT.
    db: node.condition?.select ?? node.options.db,
  });
  for (const [name, definition] of Object.entries(redisScripts)) data.defineCommand(name, definition);
  return { sink, data: data as TrackedConnection };
}
