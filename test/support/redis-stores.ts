import { RedisSessionStore, type RedisSessionStoreOptions } from 'nestjs-session-beans/redis';
import type { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import {
  type ClientAccess,
  type LoadResult,
  type SaveResult,
  type SessionKey,
  accessOf,
} from 'nestjs-session-beans/store-kit';
import { generateSessionId, renewedSessionId } from '../../libs/session/src/store/session-id.js';
import { eventually } from './eventually.js';

/** Access with an id that no session has. */
export function newAccess(): ClientAccess {
  return accessOf(generateSessionId());
}

/** The client of ioredis that a store works with. */
export function ioredisOf(store: RedisSessionStore): Redis {
  return (store as unknown as { client: { client: Redis } }).client.client;
}

/** A store whose connection is there already. */
export async function readyRedisStore(options: Readonly<RedisSessionStoreOptions>): Promise<RedisSessionStore> {
  const store = new RedisSessionStore({ onWarning: () => undefined, prefix: 'session:', ...options });
  await eventually('the store answers', async () => (await store.load(newAccess())).outcome === 'none');
  return store;
}

const LIFETIME = { idleTimeoutMs: 600_000, absoluteTimeoutMs: 3_600_000, unjoinedTimeoutMs: 600_000 };

type Saved = Extract<SaveResult, { outcome: 'saved' }>;
type Found = Extract<LoadResult, { outcome: 'found' }>;
type Watch = NonNullable<Found['watch']>;

/** A store that somebody has subscribed to, with what was told. */
export class WatchedRedisStore {
  readonly told: SessionKey[] = [];

  private constructor(readonly store: RedisSessionStore) {
    store.notices.subscribe((key) => this.told.push(key));
  }

  static async open(options: RedisSessionStoreOptions): Promise<WatchedRedisStore> {
    return new WatchedRedisStore(await readyRedisStore(options));
  }

  static create(store: RedisSessionStore, access = newAccess()): Promise<SaveResult> {
    const parts = new Map([['a', { base: null, payload: '1' }]]);
    return store.save({ ...access, writeId: randomUUID(), mode: 'create', lifetime: LIFETIME, parts });
  }

  /**
   * A change that is never refused: it names no part.
   * @param copy as it came with the last answer
   */
  static async change(store: RedisSessionStore, access: ClientAccess, copy?: unknown): Promise<Saved> {
    const result = await store.save({ access, writeId: randomUUID(), mode: 'update', copy, parts: new Map() });
    if (result.outcome !== 'saved') throw new Error(`expected it to be saved, it was ${result.outcome}`);
    return result;
  }

  /** Gives the session another id. */
  static async renew(
    store: RedisSessionStore,
    access: ClientAccess,
    copy?: unknown,
  ): Promise<Saved & { readonly access: ClientAccess }> {
    const renewed = accessOf(renewedSessionId(access.key));
    const renewal = { proof: renewed.proof };
    const result = await store.save({ access, writeId: randomUUID(), mode: 'update', copy, renewal, parts: new Map() });
    if (result.outcome !== 'saved') throw new Error(`expected a new id, the answer was ${result.outcome}`);
    return { ...result, access: renewed };
  }

  /** The watch that answers about the session carry, once there is one that is trusted. */
  watch(access: ClientAccess, withinMs = 20_000): Promise<Watch> {
    return eventually(
      'an answer carries a watch',
      async () => {
        const result = await this.store.load(access);
        return result.outcome === 'found' && result.watch && result.watch.toldUntil > 0 && result.watch;
      },
      withinMs,
    );
  }

  /** Resolves when everything that has happened by now was told. */
  async hasHeard(watch: Watch): Promise<void> {
    const now = performance.now();
    await eventually('everything was told', () => watch.toldUntil > now);
  }
}
