import { describe, expect, it } from '@jest/globals';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { SqliteSessionStore } from './sqlite-session-store.js';
import { type SqliteSessionStoreOptions, resolveSqliteOptions } from './sqlite-session-store.options.js';

describe('options of the SQLite store', () => {
  it.each([
    [{}, 'file = ""'],
    [{ file: ':memory:' }, 'file = ":memory:"'],
    [{ file: 'file:sessions.db?mode=memory' }, 'file = "file:sessions.db?mode=memory"'],
    [{ file: 'a\0b' }, 'file = "a\\u0000b"'],
    [{ file: 'a.db', clock: {} }, 'clock = Object'],
    [{ path: 'a.db' }, '"path": no such option; there are file, clock'],
  ])('%j is refused', (options, text) => {
    const resolve = () => resolveSqliteOptions(options as SqliteSessionStoreOptions);

    expect(resolve).toThrow(SessionConfigurationError);
    expect(resolve).toThrow(`SqliteSessionStore option ${text}`);
  });
});

const hasSqlite = process.getBuiltinModule('node:sqlite') !== undefined;

(hasSqlite ? describe.skip : describe)('a Node without SQLite', () => {
  it('is refused when the store is made, with the version that has it', () => {
    const construct = () => new SqliteSessionStore({ file: 'sessions.db' });

    expect(construct).toThrow(SessionConfigurationError);
    expect(construct).toThrow(
      `needs the module node:sqlite, which Node ${process.versions.node} does not have: use Node 22.13 or newer`,
    );
  });
});
