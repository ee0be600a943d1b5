import { afterAll, beforeAll } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type ExpressSessionStore, fromExpressSessionStore } from 'nestjs-session-beans/express-session';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { realTime } from '../../contract/real-time.js';
import { PostgresServer } from '../../support/postgres-server.js';
import { RedisServer } from '../../support/redis-server.js';

/** Without their types, of which each has its own. */
type Made = new (options?: object) => ExpressSessionStore;
type Makes = (session: unknown) => Made;

const require = createRequire(import.meta.url);
const expressSession: unknown = require('express-session');
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
