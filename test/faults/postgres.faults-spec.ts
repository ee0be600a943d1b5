import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import {
  PostgresSessionStore,
  type PostgresSessionStoreOptions,
  postgresMigration,
} from 'nestjs-session-beans/postgres';
import type { SessionStore, SessionWatch } from 'nestjs-session-beans/store-kit';
import { type CountingApplication, startCounting } from '../support/counting-application.js';
import { eventually } from '../support/eventually.js';
import { PostgresServer } from '../support/postgres-server.js';
import { newAccess } from '../support/redis-stores.js';
import { SessionClient } from '../support/session-client.js';
import { expectUnavailable } from './expect-unavailable.js';

const LIFETIME = { idleTimeoutMs: 600_000, absoluteTimeoutMs: 600_000, unjoinedTimeoutMs: 600_000 };

describe('PostgreSQL', () => {
  let postgres: PostgresServer;
  let server: CountingApplication | undefined;
  let store: PostgresSessionStore | undefined;
  beforeEach(async () => {
    postgres = await PostgresServer.start();
  });
  afterEach(async () => {
    await server?.close();
    await store?.close();
    [server, store] = [undefined, undefined];
    await postgres.stop();
  });

  async function startServer(): Promise<SessionClient> {
    server = await startCounting(new PostgresSessionStore({ url: postgres.url }));
    return new SessionClient(server.url);
  }

  async function openStore(options: PostgresSessionStoreOptions = { url: postgres.url }): Promise<SessionStore> {
    store = new PostgresSessionStore(options);
    await store.open();
    return store;
  }

  describe('while it is away', () => {
    it('the application starts, warns once, serves other routes, and makes its tables when it is there', async () => {
      await postgres.kill();
      const warnings: string[] = [];
      const onWarning = (text: string): unknown => warnings.push(text);
      server = await startCounting(new PostgresSessionStore({ url: postgres.url, onWarning }));
      const client = new SessionClient(server.url);

      expectUnavailable(await client.post('/count'));
      expect((await client.get('/ping')).status).toBe(200);
      expect(warnings).toEqual([expect.stringMatching(/the database is away/)]);

      await postgres.run();
      await eventually('the server recovers', async () => (await client.post('/count')).status === 201);
      await client.counts(2);
    });

    it('requests are 503, cookies stay, and sessions are there afterwards', async () => {
      const client = await startServer();
      await client.counts(1);
      const { cookie } = client;
      await postgres.kill();

      expectUnavailable(await client.get('/read'));
      expectUnavailable(await client.post('/count'));
      expectUnavailable(await client.post('/logout'));

      await postgres.run();
      await eventually('the server recovers', async () => (await client.get('/read')).text === 'true 1');
      expect(client.cookie).toBe(cookie);
      await client.counts(2);
    });

    it('that is frozen, requests are 503 in time, and each change is stored once or not at all', async () => {
      const client = await startServer();
      await client.counts(1);
      await postgres.signalAll('SIGSTOP');
      try {
        for (let i = 0; i < 3; i++) expectUnavailable(await client.post('/count'));
      } finally {
        await postgres.signalAll('SIGCONT');
      }

      const text = await eventually('the server recovers', async () => {
        const read = await client.get('/read');
        return read.status === 200 && read.text;
      });
      const counted = Number(text.slice(5));
      expect(counted).toBeGreaterThanOrEqual(1);
      expect(counted).toBeLessThanOrEqual(4);
      await client.counts(counted + 1);
    });
  });

  it('that ends its connections costs no request its answer', async () => {
    const client = await startServer();
    for (let i = 1; i <= 5; i++) {
      const { status, text } = await client.post('/count');
      expect({ status, text }).toEqual({ status: 201, text: `${i}` });
      await endConnections();
    }
  });

  it('that is read-only, as after a failover, refuses changes, and nothing was applied', async () => {
    const opened = await openStore();
    await postgres.query('ALTER SYSTEM SET default_transaction_read_only = on');
    await postgres.query('SELECT pg_reload_conf()');
    await eventually('new connections are read-only', async () => {
      const [shown] = await postgres.query('SHOW default_transaction_read_only');
      return shown?.['default_transaction_read_only'] === 'on';
    });
    await endConnections();
    await eventually('the store has another connection', async () => opened.load(newAccess()));

    const saving = opened.save({ mode: 'create', ...newAccess(), writeId: 'w', lifetime: LIFETIME, parts: new Map() });
    await expect(saving).rejects.toMatchObject({ status: 503, applied: false });
  });

  it('that is slow, because another transaction holds the session, keeps only that session waiting', async () => {
    const opened = await openStore();
    const [held, free] = [newAccess(), newAccess()];
    for (const access of [held, free])
      await opened.save({ mode: 'create', ...access, writeId: access.key, lifetime: LIFETIME, parts: new Map() });
    const client = new pg.Client(postgres.url);
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM session_beans WHERE key = $1 FOR UPDATE', [held.key]);

    const waiting = opened.touch(held);
    expect(await opened.touch(free)).toEqual({ outcome: 'touched' });
    expect(await opened.load(held)).toMatchObject({ outcome: 'found' });
    await client.query('ROLLBACK');
    await client.end();
    expect(await waiting).toEqual({ outcome: 'touched' });
  });

  it('deletes what has expired by an index, and moves on what lives', async () => {
    const opened = (await openStore()) as PostgresSessionStore;
    const [living, over] = [newAccess(), newAccess()];
    for (const access of [living, over])
      await opened.save({ mode: 'create', ...access, writeId: access.key, lifetime: LIFETIME, parts: new Map() });
    await postgres.query('UPDATE session_beans SET sweep_at = 1');
    await postgres.query('UPDATE session_beans SET expires_at = 2 WHERE key = $1', [over.key]);

    await opened.sweep();

    const rows = await postgres.query('SELECT key, sweep_at = expires_at AS moved FROM session_beans');
    expect(rows).toEqual([{ key: living.key, moved: true }]);
    const due = 'SELECT key FROM session_beans WHERE sweep_at <= 5 ORDER BY sweep_at LIMIT 10';
    const plan = await postgres.query(`EXPLAIN (FORMAT JSON) ${due}`);
    expect(JSON.stringify(plan)).toContain('session_beans_by_sweep');
  });

  describe('and notices', () => {
    it('a connection that is lost ends its watch for good, and the next one takes over', async () => {
      const opened = await openStore();
      opened.notices?.subscribe(() => undefined);
      const access = newAccess();
      await opened.save({ mode: 'create', ...access, writeId: 'w', lifetime: LIFETIME, parts: new Map() });
      const watchOf = async (): Promise<SessionWatch | undefined> => {
        const found = await opened.load(access);
        return found.outcome === 'found' ? found.watch : undefined;
      };
      const first = await eventually('it is watched', watchOf);
      await eventually('the watch moves', () => first.toldUntil > 0);

      await endConnections();

      await eventually('the watch has ended', () => first.toldUntil === -Infinity);
      const second = await eventually('it is watched again', watchOf);
      await eventually('the watch moves', () => second.toldUntil > 0);
      expect(first.toldUntil).toBe(-Infinity);
    });

    it('a frozen server lets no watch move, past PgBouncer either', async () => {
      const opened = await openStore({ url: postgres.url, directUrl: postgres.url });
      opened.notices?.subscribe(() => undefined);
      const access = newAccess();
      await opened.save({ mode: 'create', ...access, writeId: 'w', lifetime: LIFETIME, parts: new Map() });
      const watch = await eventually('it is watched', async () => {
        const found = await opened.load(access);
        return found.outcome === 'found' ? found.watch : undefined;
      });
      await eventually('the watch moves', () => watch.toldUntil > 0);

      await postgres.signalAll('SIGSTOP');
      const frozen = performance.now();
      await eventually('some beats would have passed', () => performance.now() > frozen + 500);
      expect(watch.toldUntil).toBeLessThan(frozen);
      await postgres.signalAll('SIGCONT');
    });
  });

  describe('at boot', () => {
    it('is given its tables once by servers that start at once', async () => {
      const stores = Array.from(
        { length: 5 },
        () => new PostgresSessionStore({ url: postgres.url, maxConnections: 1 }),
      );
      await Promise.all(stores.map((each) => each.open()));
      for (const each of stores) {
        expect(await each.load(newAccess())).toEqual({ outcome: 'none' });
        await each.close();
      }
    });

    it('works with a role that may only use what postgresMigration() has made, in a schema', async () => {
      await postgres.query('CREATE SCHEMA shop; CREATE ROLE app LOGIN; GRANT USAGE ON SCHEMA shop TO app');
      const url = postgres.url.replace('postgres@', 'app@');
      const options = { url, table: 'shop.sessions' };
      await expect(openStore({ ...options, migrate: false })).rejects.toThrow(/there is no table shop[.]sessions; run/);
      await expect(openStore(options)).rejects.toThrow(/the role may not make the table shop[.]sessions; run/);

      await postgres.query(postgresMigration('shop.sessions'));
      await postgres.query('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO app');
      const opened = await openStore({ ...options, migrate: false });
      opened.notices?.subscribe(() => undefined);
      const access = newAccess();
      await opened.save({ mode: 'create', ...access, writeId: 'w', lifetime: LIFETIME, parts: new Map() });

      await eventually('it is watched', async () => {
        const found = await opened.load(access);
        return found.outcome === 'found' ? found.watch : undefined;
      });
    });

    it('is refused where a newer release has made the tables', async () => {
      await postgres.query(postgresMigration());
      await postgres.query(`UPDATE session_beans_meta SET value = '2' WHERE name = 'layout'`);

      await expect(openStore()).rejects.toThrow('was made by a newer release');
    });

    it('is refused with another isolation, which the functions do not stand', async () => {
      await postgres.query(`ALTER ROLE postgres SET default_transaction_isolation = 'repeatable read'`);

      await expect(openStore()).rejects.toThrow('default_transaction_isolation is repeatable read');
    });
  });

  it('gives back texts that it cannot keep as they are: names, payloads, principals', async () => {
    const opened = await openStore();
    const [access, text] = [newAccess(), 'nul\0 half\uD83D private\uE000e000'];
    const parts = new Map([[text, { base: null, payload: text }]]);
    await opened.save({ mode: 'create', ...access, principal: text, writeId: 'w', lifetime: LIFETIME, parts });
    const renewal = { proof: 'new', principal: text, keep: [text] };
    await opened.save({ mode: 'update', access, writeId: 'r', renewal, parts: new Map() });

    const found = await opened.load({ ...access, proof: 'new' });
    expect(found).toMatchObject({ record: { principal: text, logins: 1 } });
    expect(found.outcome === 'found' && found.record.parts.get(text)?.payload).toBe(text);
  });

  it('[I11] calls a session of a newer release newer, and only to a caller who may have it', async () => {
    const opened = await openStore();
    const access = newAccess();
    await opened.save({ mode: 'create', ...access, writeId: 'w', lifetime: LIFETIME, parts: new Map() });
    await postgres.query('UPDATE session_beans SET format = 2');

    await expect(opened.load(access)).rejects.toMatchObject({ reason: 'newer-version' });
    expect(await opened.load({ ...access, proof: 'other' })).toEqual({ outcome: 'none' });
    expect(await opened.destroy(access)).toEqual({ outcome: 'ended' });
  });

  async function endConnections(): Promise<void> {
    await postgres.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
  }
});
