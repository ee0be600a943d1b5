import type { Cluster, Redis } from 'ioredis';
import type { DestroyResult, LockResult } from '../session-store.js';
import { redisScripts } from './redis-scripts.js';

/** An ioredis client: of one server (also through Sentinel) or of a cluster. */
export type RedisClient = Redis | Cluster;

/** The arguments of one call of a script, its keys first. */
export type ScriptArguments = readonly (string | number)[];

/** The scripts of this package, as `defineScripts` adds them to a client. */
export interface SessionScripts {
  sessionBeansLoad(...args: ScriptArguments): Promise<string>;
  sessionBeansLoadBuffer(...args: ScriptArguments): Promise<Buffer>;
  sessionBeansSaveBuffer(...args: ScriptArguments): Promise<Buffer>;
  sessionBeansSaveWhenFullBuffer(...args: ScriptArguments): Promise<Buffer>;
  sessionBeansLock(...args: ScriptArguments): Promise<LockResult['outcome']>;
  sessionBeansUnlock(...args: ScriptArguments): Promise<unknown>;
  sessionBeansDestroy(...args: ScriptArguments): Promise<DestroyResult['outcome']>;
  sessionBeansSupersede(...args: ScriptArguments): Promise<unknown>;
  sessionBeansAnnounce(...args: ScriptArguments): Promise<string[]>;
  sessionBeansIndexAdd(...args: ScriptArguments): Promise<[outcome: string, score: string, all: string[]]>;
  sessionBeansIndexPage(...args: ScriptArguments): Promise<[now: string, entries: string[]]>;
  sessionBeansIndexRemove(...args: ScriptArguments): Promise<unknown>;
  sessionBeansLookBuffer(...args: ScriptArguments): Promise<Buffer>;
  sessionBeansEpoch(...args: ScriptArguments): Promise<string>;
  sessionBeansBeat(key: string): Promise<unknown>;
  sessionBeansRights(key: string): Promise<string[]>;
}

/** A client on which the scripts of this package are defined. */
export type ScriptedClient = RedisClient & SessionScripts;

/** One connection to one server on which they are defined. */
export type ScriptedConnection = Redis & SessionScripts;

/** Defines the scripts on a client. It sends the hash of a script, and the text when the server does not know it. */
export function defineScripts<T extends RedisClient>(client: T): T & SessionScripts {
  for (const [name, definition] of Object.entries(redisScripts)) client.defineCommand(name, definition);
  return client as T & SessionScripts;
}
