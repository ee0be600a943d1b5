import type { Cluster, Redis } from 'ioredis';
import { ioredisPort } from './clients/ioredis-client.js';
import { NodeRedisClusterClient } from './clients/node-redis-cluster-client.js';
import { NodeRedisConnection } from './clients/node-redis-connection.js';
import { NodeRedisSentinelClient } from './clients/node-redis-sentinel-client.js';
import type { NodeRedisCluster, NodeRedisSentinel, NodeRedisSingle } from './clients/node-redis-types.js';
import type { RedisClientPort } from './clients/redis-port.js';

/** A client of ioredis 5 or 6: a `Redis`, of one server or behind sentinels, or a `Cluster`. */
interface IoredisClient {
  readonly status: string;
  defineCommand(name: string, definition: { lua: string; numberOfKeys?: number }): void;
}

/** A client of node-redis 5 or 6, made by `createClient()`, `createCluster()` or `createSentinel()`. Connect it. */
interface NodeRedisClient {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  sendCommand(...args: never[]): Promise<unknown>;
}

/** A client of either library. The declarations of neither are needed. */
export type RedisClient = IoredisClient | NodeRedisClient;

/** @returns undefined for an object that is none of the clients that the store can use */
export function redisPortOf(client: RedisClient): RedisClientPort | undefined {
  if (typeof client !== 'object') return undefined;
  if ('defineCommand' in client) return ioredisPort(client as unknown as Redis | Cluster);
  if ('getMasterNode' in client) return new NodeRedisSentinelClient(client as unknown as NodeRedisSentinel);
  if ('nodeClient' in client) return new NodeRedisClusterClient(client as unknown as NodeRedisCluster);
  if ('duplicate' in client && 'isReady' in client)
    return new NodeRedisConnection(client as unknown as NodeRedisSingle);
  return undefined;
}
