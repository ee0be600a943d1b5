import type { Cluster, Redis } from 'ioredis';

/** An ioredis client: of one server (also through Sentinel) or of a cluster. */
export type RedisClient = Redis | Cluster;

/** The client with the scripts of this package defined on it. */
export type ScriptedClient = RedisClient & {
  sessionBeansLoad(...args: (string | number)[]): Promise<unknown[]>;
  sessionBeansSave(...args: (string | number)[]): Promise<unknown[]>;
  sessionBeansDestroy(...args: (string | number)[]): Promise<number>;
};
