import type { Cluster, Redis } from 'ioredis';

/** An ioredis client: of one server (also through Sentinel) or of a cluster. */
export type RedisClient = Redis | Cluster;

/** The client with the scripts of this package defined on it. */
export type ScriptedClient = RedisClient & {
  sessionBeansLoad(...args: (string | number)[]): Promise<unknown[]>;
  sessionBeansSave(...args: (string | number)[]): Promise<unknown[]>;
  sessionBeansLock(...args: (string | number)[]): Promise<number | string>;
  sessionBeansUnlock(...args: (string | number)[]): Promise<number | string>;
  sessionBeansDestroy(...args: (string | number)[]): Promise<number | string>;
};

/** One server, with the script that looks at the rights of its connection. */
export type ScriptedNode = Redis & { sessionBeansRights(key: string): Promise<string[]> };
