import { hash, randomBytes } from 'node:crypto';
import { Cluster, type Redis } from 'ioredis';
import { SessionStateError } from '../../errors/session-state.error.js';
import { SessionStoreError } from '../../errors/session-store.error.js';
import type { SessionChange } from '../session-change.js';
import type { SessionKey } from '../session-key.js';
import type { LoadOptions, LoadResult, SaveResult, SessionStore } from '../session-store.js';
import { clusterSlot } from './cluster-slot.js';
import { connectRedis } from './connect-redis.js';
import { isPassing } from './is-passing.js';
import type { RedisClient, ScriptedClient } from './redis-client.js';
import { type RedisReply, parseRedisReply } from './redis-reply.js';
import { redisScripts } from './redis-scripts.js';
import type { RedisSessionStoreOptions } from './redis-session-store.options.js';
import { resolveRedisOptions } from './resolve-redis-options.js';
import { warnAboutRedis } from './warn-about-redis.js';

/** How long an ended key stays ended for a creation that arrives late. */
const ENDED_MARK_MS = 120_000;

/** Pauses before a command is sent again after a passing fault, in ms. Together shorter than any sensible `storeTimeoutMs`. */
const RETRY_PAUSES_MS = [25, 75, 150, 250];

/**
 * Keeps sessions in Redis or Valkey: any server can serve any request, and sessions outlive all of them. One hash per session; a load, a
 * save and a destroy are one round trip and one atomic script each. Times are those of the Redis server.
 *
 * Every command may be sent again after a lost connection: loads change nothing, and the scripts recognise a change they have applied.
 *
 * @example
 * SessionModule.forRoot({ store: new RedisSessionStore({ url: 'redis://127.0.0.1:6379' }) })
 */
export class RedisSessionStore implements SessionStore {
  readonly name = 'redis';
  readonly capabilities = { shared: true } as const;

  private readonly client: ScriptedClient;
  private readonly prefix: string;
  private readonly maxRecordBytes: number;
  private readonly durability: { readonly replicas: number; readonly timeoutMs: number } | undefined;
  private readonly ownsClient: boolean;

  /** @throws SessionConfigurationError when an option cannot work */
  constructor(options: RedisSessionStoreOptions) {
    const { client, url, prefix, maxRecordBytes, durability, onWarning } = resolveRedisOptions(options);
    this.ownsClient = client === undefined;
    this.client = (client ?? connectRedis(url as string)) as ScriptedClient;
    this.prefix = prefix;
    this.maxRecordBytes = maxRecordBytes;
    this.durability = durability;
    for (const [name, definition] of Object.entries(redisScripts)) this.client.defineCommand(name, definition);
    warnAboutRedis(this.client, onWarning);
  }

  async load(key: SessionKey, { known = '', touchAfterMs }: LoadOptions = {}): Promise<LoadResult> {
    const reply = await this.read(() =>
      this.client.sessionBeansLoad(this.keyOf(key), known, touchAfterMs ?? '', this.maxRecordBytes, 'load'),
    );
    if (reply.code === 'none') return { outcome: 'none' };
    return reply.code === 'times'
      ? { outcome: 'unchanged', times: reply.times }
      : { outcome: 'found', record: reply.record };
  }

  async save(change: SessionChange): Promise<SaveResult> {
    const { key, mode, writeId, lifetime, createdAt, parts } = change;
    const life =
      lifetime &&
      [createdAt ?? '', lifetime.idleTimeoutMs, lifetime.absoluteTimeoutMs, lifetime.unjoinedTimeoutMs].join(' ');
    const args = [
      this.keyOf(key),
      mode,
      writeId,
      hash('sha256', writeId, 'base64url').slice(0, 8),
      life ?? '',
      this.maxRecordBytes,
    ];
    for (const [name, { base, payload }] of parts)
      args.push(name, base ?? '', payload === null ? 'remove' : 'set', payload ?? '');
    const reply = await this.read(() => this.client.sessionBeansSave(...args), 'save');
    if (reply.code === 'none') return { outcome: 'gone' };
    if (reply.code === 'record') return { outcome: 'conflict', record: reply.record };
    await this.replicate(key, 'save');
    return { outcome: 'saved', stamp: reply.stamp as string, times: reply.times };
  }

  async touch(key: SessionKey): Promise<boolean> {
    const reply = await this.read(
      () => this.client.sessionBeansLoad(this.keyOf(key), '', 0, this.maxRecordBytes, 'touch'),
      'touch',
    );
    return reply.code !== 'none';
  }

  async destroy(key: SessionKey, ifStamp?: string): Promise<boolean> {
    // Tells a repeated call, whose first answer was lost, from somebody else's.
    const callId = randomBytes(9).toString('base64url');
    const ended = await this.send(() =>
      this.client.sessionBeansDestroy(
        this.keyOf(key),
        ifStamp === undefined ? 'any' : `is ${ifStamp}`,
        ENDED_MARK_MS,
        callId,
      ),
    );
    if (ended === 1) await this.replicate(key, 'destroy');
    return ended === 1;
  }

  async close(): Promise<void> {
    if (this.ownsClient) this.client.disconnect();
  }

  /** Everything of a session lies under one hash tag, so that its commands work on a cluster. */
  private keyOf(key: SessionKey): string {
    return `${this.prefix}{${key}}`;
  }

  private async read(
    command: () => Promise<unknown[]>,
    operation: SessionStoreError['operation'] = 'load',
  ): Promise<Exclude<RedisReply, { code: 'too-large' | 'foreign' }>> {
    const reply = parseRedisReply(await this.send(command));
    if (reply.code === 'too-large') {
      throw new SessionStateError(
        'the stored session',
        `is ${reply.bytes} bytes large, maxRecordBytes allows ${this.maxRecordBytes}; it is left as it is`,
      );
    }
    if (reply.code === 'foreign') {
      throw new SessionStoreError(
        this.name,
        operation,
        `what stands under its key was not written by this package (prefix '${this.prefix}'); it is left as it is`,
      );
    }
    return reply;
  }

  private async send<T>(command: () => Promise<T>): Promise<T> {
    for (const pause of RETRY_PAUSES_MS) {
      try {
        return await command();
      } catch (error) {
        if (!isPassing(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
      }
    }
    return command();
  }

  /** WAIT counts for the connection it is sent on, and ioredis keeps one per server. */
  private async replicate(key: SessionKey, operation: 'save' | 'destroy'): Promise<void> {
    if (!this.durability) return;
    const { replicas, timeoutMs } = this.durability;
    const reached = await this.nodeOf(key).wait(replicas, timeoutMs);
    if (reached >= replicas) return;
    throw new SessionStoreError(
      this.name,
      operation,
      `only ${reached} of ${replicas} replicas have it after ${timeoutMs} ms; the primary has`,
    );
  }

  private nodeOf(key: SessionKey): Redis {
    const client: RedisClient = this.client;
    if (!(client instanceof Cluster)) return client;
    const slot = clusterSlot(this.keyOf(key));
    const [primary] = client.slots[slot] ?? [];
    const node = client.nodes('master').find(({ options }) => `${options.host}:${options.port}` === primary);
    if (!node) throw new SessionStoreError(this.name, 'save', 'the cluster names no primary for its slot');
    return node;
  }
}
