import { RedisSessionStore, type RedisSessionStoreOptions } from 'nestjs-session-beans/redis';
import { randomBytes, randomUUID } from 'node:crypto';
import type { LoadResult, SaveResult, SessionKey } from 'nestjs-session-beans/store-kit';
import { eventually } from './eventually.js';

/** A store whose connection is there already. */
export async function readyRedisStore(options: Readonly<RedisSessionStoreOptions>): Promise<RedisSessionStore> {
  const store = new RedisSessionStore({ onWarning: () => undefined, ...options });
  await eventually('the store answers', async () => (await store.load('nobody')).outcome === 'none');
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
    store.subscribe((key) => this.told.push(key));
  }

  static async open(options: RedisSessionStoreOptions): Promise<WatchedRedisStore> {
    return new WatchedRedisStore(await readyRedisStore(options));
  }

  static create(store: RedisSessionStore, key = randomBytes(32).toString('base64url')): Promise<SaveResult> {
    const parts = new Map([['a', { base: null, payload: '1' }]]);
    return store.save({ key, writeId: randomUUID(), mode: 'create', lifetime: LIFETIME, parts });
  }

  /** A change that is never refused: it names no part. */
  static async change(store: RedisSessionStore, key: SessionKey): Promise<Saved> {
    const result = await store.save({ key, writeId: randomUUID(), mode: 'update', parts: new Map() });
    if (result.outcome !== 'saved') throw new Error(`expected it to be saved, it was ${result.outcome}`);
    return result;
  }

  /** The watch that answers about the session carry, once there is one that is trusted. */
  watch(key: SessionKey, withinMs = 20_000): Promise<Watch> {
    return eventually(
      'an answer carries a watch',
      async () => {
        const result = await this.store.load(key);
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
