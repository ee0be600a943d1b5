import { afterAll, describe, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteSessionStore } from 'nestjs-session-beans/sqlite';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { withSqlite } from '../support/newer-node.js';

withSqlite(import.meta.filename, () => {
  const folder = mkdtempSync(join(tmpdir(), 'session-beans-sqlite-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  describeSessionStore(
    'sqlite',
    ({ clock, namespace }) => new SqliteSessionStore({ file: join(folder, `${namespace}.db`), clock }),
    { runner: { describe, it } },
  );
});
