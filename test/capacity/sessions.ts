import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { type ClientAccess, type LoadResult, accessOf } from 'nestjs-session-beans/store-kit';
import { eventually } from '../support/eventually.js';
import type { RedisServer } from '../support/redis-server.js';

type Found = Extract<LoadResult, { outcome: 'found' }>;

const HOUR_MS = 3_600_000;
const LIFETIME = { idleTimeoutMs: HOUR_MS, absoluteTimeoutMs: 12 * HOUR_MS, unjoinedTimeoutMs: HOUR_MS };

/** As requests ask for it: no end of life is due to be moved. */
const LOAD = { touchAfterMs: 60_000 };

/** Memory that the sessions of a measurement may take. */
const MOST_BYTES = 250e6;
const MOST_SESSIONS = 20_000;

/** Sessions with one bean of a given size, and the two calls that requests make for them. */
export class Sessions {
  private constructor(
    readonly client: Redis,
    private readonly store: RedisSessionStore,
    private readonly bytes: number,
    readonly accesses: readonly ClientAccess[],
  ) {}

  /** Their clients have come back with the id, so that a load has nothing to note any more. */
  static async create({ port }: RedisServer, bytes: number): Promise<Sessions> {
    const client = new Redis({
      port,
      host: '127.0.0.1',
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
    });
    await eventually('Redis is there', () => client.status === 'ready');
    const store = new RedisSessionStore({ client, prefix: 'session:' });
    const count = Math.max(256, Math.min(MOST_SESSIONS, Math.floor(MOST_BYTES / (bytes + 500))));
    const accesses = Array.from({ length: count }, () =>
      accessOf(randomBytes(16).toString('base64url') + randomBytes(32).toString('base64url')),
    );
    const sessions = new Sessions(client, store, bytes, accesses);
    await sessions.each(64, (access) => sessions.begin(access));
    return sessions;
  }

  /** Works on all sessions, on so many at once. */
  async each(atOnce: number, work: (access: ClientAccess) => Promise<unknown>): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let i = next++; i < this.accesses.length; i = next++) await work(this.accesses[i] as ClientAccess);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  async load(access: ClientAccess): Promise<Found> {
    const found = await this.store.load(access, LOAD);
    if (found.outcome !== 'found') throw new Error(`expected a session, the answer was ${found.outcome}`);
    return found;
  }

  /** Stores the bean anew. */
  async save(access: ClientAccess, { record, copy }: Found): Promise<void> {
    const base = record.parts.get('cart')?.version ?? null;
    const parts = new Map([['cart', { base, payload: this.payload() }]]);
    const { outcome } = await this.store.save({ access, writeId: randomUUID(), mode: 'update', copy, parts });
    if (outcome !== 'saved') throw new Error(`expected it to be saved, the answer was ${outcome}`);
  }

  keyOf(access: ClientAccess): string {
    return `session:{${access.key}}`;
  }

  async close(): Promise<void> {
    await this.store.close();
    this.client.disconnect();
  }

  private async begin(access: ClientAccess): Promise<void> {
    const parts = new Map([['cart', { base: null, payload: this.payload() }]]);
    await this.store.save({ ...access, writeId: randomUUID(), mode: 'create', lifetime: LIFETIME, parts });
    await this.load(access);
  }

  private payload(): string {
    return `1${JSON.stringify({
      text: randomBytes(Math.ceil(this.bytes / 2))
        .toString('hex')
        .slice(0, this.bytes),
    })}`;
  }
}
