import type { Redis, RedisOptions } from 'ioredis';
import { type ScriptedConnection, defineScripts } from '../redis-client.js';
import type { RedisKeyNames } from '../redis-key-names.js';

/**
 * A connection of a pair lives once, whatever the store's client does to survive faults: it is not used before it is
 * ready, sends nothing twice and nothing later. The beats of the pair show that it is alive.
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

/** ioredis drops the messages that RESP3 pushes. Release 5 does not know the option, and speaks nothing but RESP2. */
const RESP2 = { protocol: 2 } as const;

/** Makes the connections of one `TrackingPair`, to the server that `node` leads to. They are not connected yet. */
export function trackingConnections(node: Redis, names: RedisKeyNames): { sink: Redis; data: ScriptedConnection } {
  const sink = node.duplicate({ ...FOR_ONE_LIFE, connectionName: 'session-beans:sink', keyPrefix: '', ...RESP2 });
  const data = node.duplicate({
    ...FOR_ONE_LIFE,
    connectionName: 'session-beans:data',
    keyPrefix: names.clientPrefix,
    // The database may have been chosen with SELECT.
    db: node.condition?.select ?? node.options.db,
  });
  return { sink, data: defineScripts(data) };
}
