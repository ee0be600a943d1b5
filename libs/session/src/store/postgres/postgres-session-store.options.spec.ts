import { describe, expect, it } from '@jest/globals';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { postgresMigration } from './postgres-migration.js';
import { storableText } from './postgres-record.js';
import { PostgresSessionStore } from './postgres-session-store.js';
import type { PostgresSessionStoreOptions } from './postgres-session-store.options.js';

const url = 'postgres://shop:hunter2@db/shop';

describe('options of the PostgreSQL store', () => {
  it.each([
    [{}, 'pool = undefined: allowed is either a Pool of pg or a url'],
    [{ url, pool: { connect() {} } }, 'pool = Object: allowed is either'],
    [{ pool: {} }, 'pool = Object: allowed is a Pool of pg'],
    [{ url: 'mysql://shop:hunter2@db' }, 'url = a string: allowed is a url'],
    [{ url, directUrl: 'hunter2' }, 'directUrl = a string: allowed is a url'],
    [{ url, table: 'Sessions; DROP TABLE users' }, 'table = "Sessions; DROP TABLE users"'],
    [{ url, table: 'a.b.c' }, 'table = "a.b.c"'],
    [{ url, maxConnections: 0 }, 'maxConnections = 0'],
    [{ url, beatMs: 5 }, 'beatMs = 5: allowed is a whole number of milliseconds from 10 to 1000'],
    [{ url, migrate: 'no' }, 'migrate = "no": allowed is true, false'],
    [{ url, onWarning: 'log' }, 'onWarning = a string: allowed is a function'],
  ])('%j is refused, and no password is shown', (options, text) => {
    const construct = () => new PostgresSessionStore(options as unknown as PostgresSessionStoreOptions);

    expect(construct).toThrow(SessionConfigurationError);
    expect(construct).toThrow(`PostgresSessionStore option ${text}`);
    expect(construct).not.toThrow('hunter2');
  });
});

describe('the statements of postgresMigration()', () => {
  it('name the table in its schema everywhere, but indexes without it', () => {
    const sql = postgresMigration('shop.sessions');

    expect(sql).not.toContain('session_beans');
    expect(sql).toContain('CREATE TABLE IF NOT EXISTS shop.sessions (');
    expect(sql).toContain('CREATE INDEX IF NOT EXISTS sessions_by_sweep ON shop.sessions (sweep_at)');
    expect(sql).toContain('FUNCTION shop.sessions_load_1(');
  });
});

describe('a text that PostgreSQL does not keep', () => {
  it('is written with a stand-in, and any other one as it is', () => {
    expect(storableText('a\0b')).toBe('a\uE0000000b');
    expect(storableText('\uD83D')).toBe('\uE000d83d');
    expect(storableText('\uE000')).toBe('\uE000e000');
    expect(storableText('zażółć 🧑‍🚀')).toBe('zażółć 🧑‍🚀');
  });
});
