import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { SessionStore } from 'nestjs-session-beans';
import { type ExpressSessionStore, fromExpressSessionStore } from 'nestjs-session-beans/express-session';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { realTime } from '../../contract/real-time.js';
import { PostgresServer } from '../../support/postgres-server.js';
import { RedisServer } from '../../support/redis-server.js';

/** Without their types, of which each has its own. */
type Made = new (options?: object) => ExpressSessionStore;
type Makes = (session: unknown) => Made;

const require = createRequire(import.meta.url);
const expressSession = require('express-session') as { readonly MemoryStore: Made };
const folder = mkdtempSync(join(tmpdir(), 'session-beans-express-'));

let postgres: PostgresServer;
let redis: RedisServer;
let pool: pg.Pool;
let client: { connect(): Promise<unknown>; destroy(): void };

beforeAll(async () => {
  [postgres, redis] = await Promise.all([PostgresServer.start(), RedisServer.start()]);
  pool = new pg.Pool({ connectionString: postgres.url });
  client = (require('redis') as { createClient(options: object): typeof client }).createClient({ url: redis.url });
  await client.connect();
});
afterAll(async () => {
  client?.destroy();
  await pool?.end();
  await Promise.all([postgres?.stop(), redis?.stop()]);
  rmSync(folder, { recursive: true });
});

/** Each makes an instance on the data of all others of this file. */
const stores: Readonly<Record<string, () => ExpressSessionStore>> = {
  'connect-pg-simple': () => {
    const PgStore = (require('connect-pg-simple') as Makes)(expressSession);
    return new PgStore({ pool, createTableIfMissing: true, pruneSessionInterval: false });
  },
  'connect-redis': () => {
    const { RedisStore } = require('connect-redis') as { RedisStore: Made };
    return new RedisStore({ client });
  },
  'session-file-store': () => {
    const FileStore = (require('session-file-store') as Makes)(expressSession);
    return new FileStore({ path: folder, reapInterval: -1, retries: 0, logFn: () => undefined });
  },
};

for (const [name, make] of Object.entries(stores)) {
  describeSessionStore(name, () => fromExpressSessionStore(make()), realTime);
}

describe('stores in the memory of a process, which both servers of a test share', () => {
  const MemoryStore = (require('memorystore') as Makes)(expressSession);
  for (const [name, shared] of Object.entries({
    memorystore: new MemoryStore(),
    'express-session itself': new expressSession.MemoryStore(),
  })) {
    describeSessionStore(name, () => fromExpressSessionStore(shared), realTime);
  }
});

describe('fromExpressSessionStore', () => {
  it('says what the store cannot: no locks, no notices, updates of one server only', () => {
    const store: SessionStore = fromExpressSessionStore(new expressSession.MemoryStore());

    expect([store.name, store.shared, store.updates]).toEqual(['MemoryStore', true, 'per-server']);
    expect([store.locks, store.notices]).toEqual([undefined, undefined]);
  });

  it.each([undefined, {}, expressSession.MemoryStore])('refuses %p, which is no instance of a store', (given) => {
    expect(() => fromExpressSessionStore(given as never)).toThrow('it takes an instance of a store');
  });

  it('passes on what the store says is wrong', async () => {
    const broken = {
      get: jest.fn((_sid: string, callback: (error: unknown) => void) => callback(new Error('down'))),
      set: jest.fn(),
    };
    const store = fromExpressSessionStore(broken);

    await expect(store.load({ key: 'key', proof: 'proof' })).rejects.toMatchObject({ status: 503, applied: false });
  });
});
