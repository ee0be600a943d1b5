import { afterAll, describe } from '@jest/globals';
import { createRequire } from 'node:module';
import { type ExpressSessionStore, fromExpressSessionStore } from 'nestjs-session-beans/express-session';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { realTime } from '../../contract/real-time.js';
import { withSqlite } from '../../support/newer-node.js';

// better-sqlite3 has to be compiled where its binaries cannot be fetched. The SQLite of Node has the methods that
// better-sqlite3-session-store calls: exec, prepare, run, get.
withSqlite(import.meta.filename, () => {
  const require = createRequire(import.meta.url);
  const makeClass = require('better-sqlite3-session-store') as (
    session: unknown,
  ) => new (options: object) => ExpressSessionStore & { startInterval(): void };
  const SqliteStore = makeClass(require('express-session'));
  // Its timer cannot be switched off, and would keep the process alive.
  SqliteStore.prototype.startInterval = () => undefined;
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite' as 'node:fs') as unknown as {
    DatabaseSync: new (file: string) => { close(): void };
  };
  const database = new DatabaseSync(':memory:');
  afterAll(() => database.close());

  describe('on the SQLite of Node', () => {
    const create = () => fromExpressSessionStore(new SqliteStore({ client: database }));
    describeSessionStore('better-sqlite3-session-store', create, realTime);
  });
});
