import { hash, randomBytes } from 'node:crypto';
import { Cluster, type Redis } from 'ioredis';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { SessionStateError } from '../../errors/session-state.error.js';
import { SessionStoreError } from '../../errors/session-store.error.js';
import type { SessionChange } from '../session-change.js';
import type { SessionKey } from '../session-key.js';
import type { LoadOptions, LoadResult, SaveResult, SessionStore, SessionWatch } from '../session-store.js';
import { connectRedis } from './connect-redis.js';
import { primaryOf } from './primary-of.js';
import type { RedisClient, ScriptedClient } from './redis-client.js';
import { RedisKeyNames } from './redis-key-names.js';
import { type RedisReply, parseRedisReply } from './redis-reply.js';
import { redisScripts } from './redis-scripts.js';
import { type RedisSessionStoreOptions, resolveRedisOptions } from './redis-session-store.options.js';
import { ReplicaAcknowledgements } from './replica-acknowledgements.js';
import type { ScriptArguments } from './script-arguments.js';
import { SessionScript } from './session-script.js';
import { sendAgain } from './send-again.js';
import { SessionTracking } from './tracking/session-tracking.js';
import type { TrackingPair } from './tracking/tracking-pair.js';
import { warnAboutRedis } from './warn-about-redis.js';

/** How long an ended key stays ended for a creation that arrives late. */
const ENDED_MARK_MS = 120_000;

/** How long after the end of a connection of ours that nobody asked to end. */
const RECONNECT_MS = 100;

interface Answer {
  readonly reply: Exclude<RedisReply, { code: 'too-large' | 'foreign' }>;

  /** What a load or save says of it, where this server is told what others change. */
  readonly watched: { readonly watch: SessionWatch } | undefined;
}

/**
 * Keeps sessions in Redis or Valkey: any server can serve any request, and sessions outlive all of them. One hash per session; a load, a
 * save and a destroy are one round trip and one atomic script each; loads and saves of one turn of the event loop share theirs. Times are those of the Redis server.
 *
 * Every command may be sent again after a lost connection: loads change nothing, and the scripts recognise a change they have applied.
 *
 * @example
 * SessionModule.forRoot({ store: new RedisSessionStore({ url: 'redis://127.0.0.1:6379' }) })
 *
 * @see docs/stores/redis.md
 */
export class RedisSessionStore implements SessionStore {
  readonly name = 'redis';
  readonly capabilities = { shared: true, locks: true, notifies: true } as const;

  private readonly client: ScriptedClient;

  /** A connection of its own where WAIT would block the loads of others; else the same. */
  private readonly writer: ScriptedClient;
  private readonly loading: SessionScript;
  private readonly saving: SessionScript;
  private readonly owned: RedisClient[] = [];
  private readonly names: RedisKeyNames;
  private readonly maxRecordBytes: number;
  private readonly acknowledgements: ReplicaAcknowledgements | undefined;
  private readonly beatMs: number;
  private readonly warn: (warning: string) => void;
  private readonly stopWarning: () => void;
  private tracking: SessionTracking | undefined;
  private isClosed = false;

  /** @throws SessionConfigurationError when an option cannot work */
  constructor(options: RedisSessionStoreOptions) {
    const { client, url, prefix, maxRecordBytes, durability, beatMs, onWarning } = resolveRedisOptions(options);
    this.client = this.define(client ?? this.own(connectRedis(url as string)));
    this.writer = durability ? this.define(this.own((this.client as Redis).duplicate())) : this.client;
    this.acknowledgements = durability && new ReplicaAcknowledgements(durability.replicas, durability.timeoutMs);
    this.loading = new SessionScript('load', this.client, onWarning);
    this.saving = new SessionScript('save', this.writer, onWarning);
    this.names = new RedisKeyNames(prefix, this.client);
    this.maxRecordBytes = maxRecordBytes;
    this.beatMs = beatMs;
    this.warn = onWarning;
    this.stopWarning = warnAboutRedis(this.client, this.names.session('0'), client === undefined, onWarning);
  }

  load(key: SessionKey, { known = '', touchAfterMs }: LoadOptions = {}): Promise<LoadResult> {
    const args = [this.names.session(key), known, touchAfterMs ?? '', this.maxRecordBytes, 'load'];
    return this.ask(key, this.loading, args).then(loadResultOf);
  }

  async save(change: SessionChange): Promise<SaveResult> {
    const isNew = change.mode === 'create';
    const { reply, watched } = await this.ask(change.key, this.saving, this.saveArguments(change), { isAlone: isNew });
    if (reply.code === 'none') return { outcome: 'gone' };
    if (reply.code === 'unlocked') return { outcome: 'unlocked' };
    if (reply.code === 'record') return { outcome: 'conflict', record: reply.record, ...watched };
    if (this.acknowledgements) await this.replicate(this.acknowledgements, change.key, 'save');
    return { outcome: 'saved', stamp: reply.stamp as string, times: reply.times, ...watched };
  }

  async touch(key: SessionKey): Promise<boolean> {
    const args = [this.names.session(key), '', 0, this.maxRecordBytes, 'touch'];
    const { reply } = await this.ask(key, this.loading, args, { showsState: false });
    return reply.code !== 'none';
  }

  async destroy(key: SessionKey, ifStamp?: string): Promise<boolean> {
    const condition = ifStamp === undefined ? 'any' : `is ${ifStamp}`;
    // Tells a repeated call, whose first answer was lost, from somebody else's.
    const callId = randomBytes(9).toString('base64url');
    const ended = await sendAgain(this.writer, () =>
      this.writer.sessionBeansDestroy(this.names.session(key), condition, ENDED_MARK_MS, callId),
    );
    if (Number(ended) !== 1) return false;
    if (this.acknowledgements) await this.replicate(this.acknowledgements, key, 'destroy');
    return true;
  }

  async lock(key: SessionKey, token: string, leaseMs: number): Promise<boolean> {
    const held = await sendAgain(this.writer, () => this.writer.sessionBeansLock(this.names.lock(key), token, leaseMs));
    return Number(held) === 1;
  }

  async unlock(key: SessionKey, token: string): Promise<void> {
    await sendAgain(this.writer, () => this.writer.sessionBeansUnlock(this.names.lock(key), token));
  }

  /**
   * Opens two more connections to each primary, with CLIENT TRACKING, and sends the loads, saves and touches of sessions through them. While that
   * cannot be, the answers carry no watch and everything else goes on.
   */
  subscribe(onChange: (key: SessionKey) => void): void {
    // What one of two changes would be told to neither.
    if (this.tracking)
      throw new SessionConfigurationError(
        'RedisSessionStore: it has a near cache already; give each module a store of its own',
      );
    const { client, names, beatMs, warn } = this;
    this.tracking = new SessionTracking({ client, names, beatMs, onChange, warn });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.stopWarning();
    this.tracking?.close();
    for (const client of this.owned) if (client.status !== 'end') client.disconnect();
  }

  private saveArguments({ key, mode, writeId, lifetime, createdAt, lock = '', parts }: SessionChange): ScriptArguments {
    const life =
      lifetime &&
      [createdAt ?? '', lifetime.idleTimeoutMs, lifetime.absoluteTimeoutMs, lifetime.unjoinedTimeoutMs].join(' ');
    const shortHash = hash('sha256', writeId, 'base64url').slice(0, 8);
    const { names } = this;
    const args = [names.session(key), names.lock(key), mode, writeId, shortHash, life ?? '', this.maxRecordBytes, lock];
    for (const [name, { base, payload }] of parts)
      args.push(name, base ?? '', payload === null ? 'remove' : 'set', payload ?? '');
    return args;
  }

  /**
   * @param showsState whether the answer shows what the session is
   * @param isAlone it is not tried among others first: a server that is the wrong one for it would keep a session that is created
   */
  private ask(
    key: SessionKey,
    script: SessionScript,
    args: ScriptArguments,
    { showsState = true, isAlone = false }: { showsState?: boolean; isAlone?: boolean } = {},
  ): Promise<Answer> {
    // What WAIT counts was written on the connection it is sent on.
    const pair = script.client === this.client ? this.tracking?.pairFor(key) : undefined;
    if (pair) return this.askWatched(pair, key, script, args, showsState);
    const asked = isAlone ? script.run(args) : script.runWithOthers(args);
    return asked.then((reply) => this.answerOf(parseRedisReply(reply)));
  }

  private async askWatched(
    pair: TrackingPair,
    key: SessionKey,
    script: SessionScript,
    args: ScriptArguments,
    showsState: boolean,
  ): Promise<Answer> {
    const watched = await pair.ask(key, (client) => script.once(client, args), showsState);
    if (watched) return this.answerOf(watched.reply, { watch: watched.watch });
    return this.answerOf(parseRedisReply(await script.run(args)));
  }

  private answerOf(reply: RedisReply, watched?: Answer['watched']): Answer {
    if (reply.code === 'too-large') {
      throw new SessionStateError(
        'the stored session',
        `is ${reply.bytes} bytes large, maxRecordBytes allows ${this.maxRecordBytes}; it is left as it is`,
        { reason: 'undecodable' },
      );
    }
    if (reply.code === 'foreign') {
      throw new SessionStateError(
        'the stored session',
        `is damaged, or was not written by this package (prefix '${this.names.prefix}'); it is left as it is`,
        { reason: 'undecodable' },
      );
    }
    return { reply, watched };
  }

  private async replicate(
    acknowledgements: ReplicaAcknowledgements,
    key: SessionKey,
    operation: 'save' | 'destroy',
  ): Promise<void> {
    const { replicas, timeoutMs } = acknowledgements;
    const reached = await acknowledgements.reached(this.nodeOf(key));
    if (reached >= replicas) return;
    throw new SessionStoreError(
      this.name,
      operation,
      `only ${reached} of ${replicas} replicas have it after ${timeoutMs} ms; the primary has`,
    );
  }

  /** The connection on which the session is written. */
  private nodeOf(key: SessionKey): Redis {
    const client: RedisClient = this.writer;
    if (!(client instanceof Cluster)) return client;
    const node = primaryOf(client, client.slots[this.names.slot(key)]?.[0]);
    if (!node) throw new SessionStoreError(this.name, 'save', 'the cluster names no primary for its slot');
    return node;
  }

  private own<T extends RedisClient>(client: T): T {
    this.owned.push(client);
    // Without a listener ioredis prints every failed attempt; requests are told by their own errors.
    client.on('error', () => undefined);
    client.on('end', () => this.reconnect(client));
    return client;
  }

  /**
   * ioredis 6 gives up for good when a sentinel announces a failover just while it asks another one for the address: no retry strategy is asked
   * then.
   */
  private reconnect(client: RedisClient): void {
    const connect = (): void => {
      if (!this.isClosed && client.status === 'end') client.connect().catch(() => undefined);
    };
    setTimeout(connect, RECONNECT_MS).unref();
  }

  private define(client: RedisClient): ScriptedClient {
    for (const [name, definition] of Object.entries(redisScripts)) client.defineCommand(name, definition);
    return client as ScriptedClient;
  }
}

function loadResultOf({ reply, watched }: Answer): LoadResult {
  if (reply.code === 'record') return { outcome: 'found', record: reply.record, ...watched };
  if (reply.code === 'times') return { outcome: 'unchanged', times: reply.times, ...watched };
  return reply.code === 'none' && reply.isRenewed ? { outcome: 'none', renewed: true } : { outcome: 'none' };
}
