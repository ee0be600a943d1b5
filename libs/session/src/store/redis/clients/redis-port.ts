import type { SessionRisk } from '../../session-risk.js';
import type { redisScripts } from '../redis-scripts.js';

/** The arguments of one call of a script, its keys first. */
export type ScriptArguments = readonly (string | number)[];

export type ScriptName = keyof typeof redisScripts;

/**
 * All that the store asks of a client, of one server or of many, whatever library it comes from. Commands fail at once
 * while there is no connection, if the client is set up like that.
 */
export interface RedisPort {
  readonly isReady: boolean;

  /** Closed, and not about to connect again by itself. */
  readonly isEnded: boolean;

  /** Runs a script by its hash; sends the text where the server does not know it. */
  run(script: ScriptName, args: ScriptArguments): Promise<Buffer>;
  runForText<T = string>(script: ScriptName, args: ScriptArguments): Promise<T>;

  getex(key: string): Promise<Buffer | null>;
  hget(key: string, field: string): Promise<string | null>;
  hgetall(key: string): Promise<Readonly<Record<string, Buffer>>>;

  /**
   * Whether the server may have run a command that ended with this error. It has not where it refused the command, or
   * where the command never left.
   *
   * @param wasReady whether the client was ready before it was given the command
   */
  mayHaveRun(error: unknown, wasReady: boolean): boolean;
}

/** A connection to one server. */
export interface RedisConnection extends RedisPort {
  /** A command without keys. */
  ask(...command: string[]): Promise<unknown>;

  /** The connections of a `TrackingPair`, made with the settings of this one. They are not connected yet. */
  trackingConnections(clientPrefix: string): { readonly sink: SinkConnection; readonly data: BriefConnection };
}

/**
 * A connection that lives once: it is not used before it is ready, sends nothing twice and nothing later, and is not
 * made again. The beats of its pair show that it is alive.
 */
export interface BriefConnection extends RedisConnection {
  connect(): Promise<unknown>;
  close(): void;

  /** Calls the listener when the connection is lost, perhaps more than once. */
  onLost(listener: (reason: Error) => void): void;
}

/** The connection on which a server tells which keys were changed. */
export interface SinkConnection extends BriefConnection {
  /** @param listener is given the names of keys; null when the server has forgotten what was read */
  onInvalidated(listener: (keys: Buffer[] | null) => void): void;
  subscribe(channel: string): Promise<unknown>;
}

/** What a store wants to hear of its client. */
export interface RedisClientListener {
  /** The connections or the slots may be others now. */
  readonly changed?: () => void;
  readonly failed?: (error: Error) => void;
}

/** A client, which leads to one primary or to those of a cluster. */
export interface RedisClientPort extends RedisPort {
  readonly library: 'ioredis' | 'node-redis';
  readonly isCluster: boolean;
  readonly usesTls: boolean;

  /** Settings of the client that would break the promises of the store, as far as they are known by now. */
  readonly risks: readonly SessionRisk[];

  /** The client puts this before every key by itself. */
  readonly keyPrefix: string;

  /** The connections to primaries, by the name of each. */
  primaries(): ReadonlyMap<string, RedisConnection>;

  /** The name of the primary that serves a slot, as far as the client knows. */
  primaryNameOf(slot: number): string | undefined;

  /** Has the client ask again which server serves which slot. */
  refreshSlots(): void;

  /** @returns a function that ends it */
  listen(listener: RedisClientListener): () => void;

  /** Another client with the same settings. @throws Error where the library offers none */
  duplicate(): OwnClient;
}

/** A client that the store made: it keeps it connected, and closes it. */
export interface OwnClient {
  readonly port: RedisClientPort;

  /** Connects after `close()`. Waits for the connection to be there again, or for its first failure. */
  open(): Promise<void>;
  close(): void;
}

/** The name of the only primary of a client that is no cluster. */
export const ONLY_PRIMARY = '';

/** Whether an error is the answer of a server. Such a text begins with a word in capitals. */
export function isErrorReply(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{2,}\b/.test(error.message) && !('code' in error);
}

/**
 * Error replies of a server that is starting, failing over or moving slots. NOSCRIPT belongs to them: a replica refuses
 * a script, and ioredis takes the script for known there from then on.
 */
const PASSING_REPLIES = /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|UNBLOCKED|NOSCRIPT)\b/;

/** Whether the same command may succeed later. An error in the server's answer is final unless it passes by. */
export function isPassingFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return isErrorReply(error) ? PASSING_REPLIES.test(error.message) : true;
}

/** The pause before a client connects again, in ms, longer after each failure; servers do not come back in step. */
export function reconnectAfterMs(times: number): number {
  return Math.min(1_000, 50 * times) * (0.75 + Math.random() / 2);
}
