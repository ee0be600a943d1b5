import type { Cluster, Redis } from 'ioredis';

/** An ioredis client: of one server (also through Sentinel) or of a cluster. */
export type RedisClient = Redis | Cluster;

/** The scripts of this package. */
export interface SessionScripts {
  sessionBeansLoad(...args: (string | number)[]): Promise<string>;
  sessionBeansLoadBuffer(...args: (string | number)[]): Promise<Buffer>;
  sessionBeansLoadBatchBuffer(...args: (string | number)[]): Promise<Buffer[]>;
  sessionBeansSaveBuffer(...args: (string | number)[]): Promise<Buffer>;
  sessionBeansSaveBatchBuffer(...args: (string | number)[]): Promise<Buffer[]>;
  sessionBeansLock(...args: (string | number)[]): Promise<number | string>;
  sessionBeansUnlock(...args: (string | number)[]): Promise<number | string>;
  sessionBeansDestroy(...args: (string | number)[]): Promise<number | string>;
}

/** The client with the scripts of this package defined on it. */
export type ScriptedClient = RedisClient & SessionScripts;

/** A connection on which sessions are loaded and saved and the server remembers what was read. */
export type TrackedConnection = Redis & SessionScripts & { sessionBeansBeat(key: string): Promise<unknown> };

/** One server, with the script that looks at the rights of its connection. */
export type ScriptedNode = Redis & { sessionBeansRights(key: string): Promise<string[]> };
