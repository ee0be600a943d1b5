import { hash } from 'node:crypto';
import type { SessionRisk } from '../../session-risk.js';
import { redisScripts } from '../redis-scripts.js';
import { nodeRedisRisks } from './client-risks.js';
import type { NodeRedisSingle, ReplyForm } from './node-redis-types.js';
import { OwnNodeRedisClient } from './own-node-redis-client.js';
import {
  ONLY_PRIMARY,
  type OwnClient,
  type RedisClientListener,
  type RedisClientPort,
  type RedisConnection,
  type RedisPort,
  type ScriptArguments,
  type ScriptName,
  type SinkConnection,
  isErrorReply,
} from './redis-port.js';

/** A connection that owes an answer and is silent for so long is made again. */
const SILENT_MS = 2_000;
const CHECK_MS = 500;

/** Errors for a command that was not kept and not written to any connection. */
const NOT_SENT = /^The client is (offline|closed)$/;

const CLIENT_EVENTS = ['ready', 'reconnecting', 'error', 'end'];

/** Bulk strings and maps are told by these bytes. */
const [BULK_STRING, MAP] = [36, 37];
const AS_BYTES: ReplyForm = { typeMapping: { [BULK_STRING]: Buffer, [MAP]: Array }, timeout: undefined };
const AS_TEXT: ReplyForm = { typeMapping: {}, timeout: undefined };

/** The settings of a connection of a near cache. Messages reach a listener in RESP2 only. */
const FOR_ONE_LIFE = {
  RESP: 2,
  disableOfflineQueue: true,
  readonly: false,
  pingInterval: undefined,
  clientSideCache: undefined,
  emitInvalidate: undefined,
  maintNotifications: 'disabled',
  commandOptions: undefined,
};

/** The error for a command that is not sent. */
export function offline(): Error {
  return new Error('The client is offline');
}

/** The hashes of scripts by their texts. */
const hashes = new Map<string, string>();

function hashOf(lua: string): string {
  let its = hashes.get(lua);
  if (its === undefined) hashes.set(lua, (its = hash('sha1', lua)));
  return its;
}

/** What the clients of node-redis have in common: they send commands as lists of texts. */
export abstract class NodeRedisPort implements RedisPort {
  readonly library = 'node-redis';

  /** A `keyPrefix` of node-redis 6 is not for commands that are sent like these. */
  readonly keyPrefix = '';

  abstract readonly isReady: boolean;
  abstract readonly isEnded: boolean;

  /** @param key the first key, by which a cluster finds the server */
  abstract send(command: readonly string[], form: ReplyForm, key?: string): Promise<unknown>;

  run(script: ScriptName, args: ScriptArguments): Promise<Buffer> {
    return this.evaluate(script, args, AS_BYTES) as Promise<Buffer>;
  }

  runForText<T>(script: ScriptName, args: ScriptArguments): Promise<T> {
    return this.evaluate(script, args, AS_TEXT) as Promise<T>;
  }

  ask(...command: string[]): Promise<unknown> {
    return this.send(command, AS_TEXT);
  }

  getex(key: string): Promise<Buffer | null> {
    return this.send(['GETEX', key], AS_BYTES, key) as Promise<Buffer | null>;
  }

  hget(key: string, field: string): Promise<string | null> {
    return this.send(['HGET', key, field], AS_TEXT, key) as Promise<string | null>;
  }

  async hgetall(key: string): Promise<Readonly<Record<string, Buffer>>> {
    const flat = (await this.send(['HGETALL', key], AS_BYTES, key)) as Buffer[];
    return Object.fromEntries(
      flat.flatMap((name, i) => (i % 2 === 0 ? [[name.toString(), flat[i + 1] as Buffer]] : [])),
    );
  }

  mayHaveRun(error: unknown): boolean {
    return !(error instanceof Error) || (!isErrorReply(error) && !NOT_SENT.test(error.message));
  }

  private async evaluate(script: ScriptName, args: ScriptArguments, form: ReplyForm): Promise<unknown> {
    const { lua, numberOfKeys }: { readonly lua: string; readonly numberOfKeys?: number } = redisScripts[script];
    const texts = args.map(String);
    if (numberOfKeys !== undefined) texts.unshift(`${numberOfKeys}`);
    const [, key] = texts;
    try {
      return await this.send(['EVALSHA', hashOf(lua), ...texts], form, key);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.send(['EVAL', lua, ...texts], form, key);
    }
  }
}

/** A client of node-redis for one server; also each that a cluster or a sentinel client has made. */
export class NodeRedisConnection extends NodeRedisPort implements RedisClientPort, SinkConnection {
  readonly isCluster = false;

  /** Commands without an answer. */
  private unanswered = 0;

  /** Since when the server owes an answer and has given none. */
  private silentSince = 0;
  private check: NodeJS.Timeout | undefined;

  constructor(
    readonly client: NodeRedisSingle,
    private readonly livesOnce = false,
  ) {
    super();
  }

  get isReady(): boolean {
    return this.client.isReady;
  }

  get isEnded(): boolean {
    return !this.client.isOpen;
  }

  get usesTls(): boolean {
    const { socket, url } = (this.client.options ?? {}) as { socket?: { tls?: unknown }; url?: string };
    return Boolean(socket?.tls) || url?.startsWith('rediss:') === true;
  }

  get risks(): readonly SessionRisk[] {
    return nodeRedisRisks(this.client.options ?? {});
  }

  send(command: readonly string[], form: ReplyForm): Promise<unknown> {
    return this.watched(() => this.client.sendCommand(command, form));
  }

  /**
   * Runs a command of this connection, and makes the connection again if it owes an answer for too long: node-redis
   * does so only for connections on which nothing is sent either.
   */
  async watched(command: () => Promise<unknown>): Promise<unknown> {
    if (this.unanswered++ === 0) this.silentSince = performance.now();
    this.check ??= setTimeout(() => this.checkSilence(), CHECK_MS).unref();
    try {
      return await command();
    } finally {
      this.unanswered--;
      this.silentSince = performance.now();
    }
  }

  primaries(): ReadonlyMap<string, RedisConnection> {
    return this.isReady ? new Map([[ONLY_PRIMARY, this]]) : new Map();
  }

  primaryNameOf(): string {
    return ONLY_PRIMARY;
  }

  refreshSlots(): void {}

  listen({ changed, failed }: RedisClientListener): () => void {
    return listening(this.client, [
      ...(changed ? CLIENT_EVENTS.map((event) => [event, changed] as const) : []),
      ...(failed ? [['error', failed] as const] : []),
    ]);
  }

  duplicate(): OwnClient {
    return new OwnNodeRedisClient((socket) => {
      const { client } = this;
      const copy = client.duplicate({ socket: { ...client.options?.socket, ...socket } });
      return { client: copy, port: new NodeRedisConnection(copy) };
    });
  }

  trackingConnections(): { readonly sink: NodeRedisConnection; readonly data: NodeRedisConnection } {
    const { client } = this;
    const socket = {
      ...client.options?.socket,
      connectTimeout: 2_000,
      socketTimeout: 5_000,
      reconnectStrategy: false,
    };
    const [sink, data] = ['sink', 'data'].map((role) => {
      const copy = client.duplicate({ ...FOR_ONE_LIFE, name: `session-beans:${role}`, socket });
      return new NodeRedisConnection(copy, true);
    }) as [NodeRedisConnection, NodeRedisConnection];
    return { sink, data };
  }

  connect(): Promise<unknown> {
    return this.client.connect();
  }

  close(): void {
    const { client } = this;
    // While a client connects, its connection would outlive it.
    if (client.isReady) void client.destroy();
    else client.on('ready', () => void client.destroy());
  }

  onLost(listener: (reason: Error) => void): void {
    this.client.on('error', listener);
    this.client.on('end', () => listener(new Error('a connection was closed')));
  }

  onInvalidated(listener: (keys: Buffer[] | null) => void): void {
    this.invalidated = listener;
  }

  subscribe(channel: string): Promise<unknown> {
    // For this channel a message is a list of keys, whatever its type says.
    return this.client.subscribe(channel, (keys) => this.invalidated(keys as unknown as Buffer[] | null), true);
  }

  private invalidated: (keys: Buffer[] | null) => void = () => undefined;

  private checkSilence(): void {
    const { client } = this;
    this.check = undefined;
    if (this.unanswered === 0 || this.livesOnce || !client.isOpen) return;
    if (client.isReady && performance.now() - this.silentSince > SILENT_MS) {
      void client.destroy();
      client.connect().catch(() => undefined);
    }
    this.check = setTimeout(() => this.checkSilence(), CHECK_MS).unref();
  }
}

type Listening = readonly (readonly [event: string, listener: (error: never) => void])[];

/** @returns a function that ends it */
export function listening(client: Pick<NodeRedisSingle, 'on' | 'off'>, listeners: Listening): () => void {
  for (const [event, listener] of listeners) client.on(event, listener);
  return () => {
    for (const [event, listener] of listeners) client.off(event, listener);
  };
}
