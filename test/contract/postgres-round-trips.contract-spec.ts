import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { SessionModuleOptions } from 'nestjs-session-beans';
import { type PostgresConnection, PostgresSessionStore } from 'nestjs-session-beans/postgres';
import { type CountingApplication, startCounting } from '../support/counting-application.js';
import { eventually } from '../support/eventually.js';
import { PostgresServer } from '../support/postgres-server.js';
import { SessionClient } from '../support/session-client.js';

/** A pool that counts the calls of the store's functions. */
class CountingPool {
  calls: string[] = [];

  constructor(private readonly pool: pg.Pool) {}

  async connect(): Promise<PostgresConnection> {
    const client: PostgresConnection = await this.pool.connect();
    const counted: PostgresConnection = {
      query: (statement, values) => {
        const text = typeof statement === 'string' ? statement : statement.text;
        const name = /session_beans_(\w+)_1\(/.exec(text)?.[1];
        if (name) this.calls.push(name);
        return client.query(statement, values);
      },
      release: (destroy) => client.release(destroy),
      on: (...listener: unknown[]) => (client.on as (...all: unknown[]) => PostgresConnection)(...listener),
    };
    return counted;
  }
}

describe('a request to a server with PostgreSQL', () => {
  let postgres: PostgresServer;
  let pool: pg.Pool;
  const servers: CountingApplication[] = [];
  beforeAll(async () => {
    postgres = await PostgresServer.start();
    pool = new pg.Pool({ connectionString: postgres.url });
  });
  afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));
  afterAll(async () => {
    await pool?.end();
    await postgres?.stop();
  });

  async function start(session?: SessionModuleOptions): Promise<{ url: string; calls: () => string[] }> {
    const counting = new CountingPool(pool);
    const server = await startCounting(new PostgresSessionStore({ pool: counting }), session);
    servers.push(server);
    return { url: server.url, calls: () => counting.calls.splice(0).filter((name) => name !== 'announce') };
  }

  it('costs one statement to read and two to write', async () => {
    const { url, calls } = await start();
    const client = new SessionClient(url);
    await client.counts(1);
    await client.counts(2);
    calls();

    expect((await client.get('/read')).text).toBe('true 2');
    expect(calls()).toEqual(['load']);
    await client.counts(3);
    expect(calls()).toEqual(['load', 'replace']);
    expect((await client.get('/ping')).status).toBe(200);
    expect(calls()).toEqual([]);
  });

  it('costs none to read with a near cache in mode bounded, until another server writes', async () => {
    const nearCache = { mode: 'bounded', maxStalenessMs: 2_000 } as const;
    const [one, two] = [await start({ nearCache }), await start({ nearCache })];
    const [client, elsewhere] = [new SessionClient(one.url), new SessionClient(two.url)];
    const { setCookie } = await client.post('/count');
    await eventually('the copy is trusted', async () => {
      one.calls();
      return (await client.get('/read')).text === 'true 1' && one.calls().length === 0;
    });

    // The cookie with the id alone: the other one would tell the first server that there is something newer.
    elsewhere.cookie = setCookie.find((line) => line.startsWith('sid='))?.split(';')[0] as string;
    await elsewhere.counts(2);

    await eventually('the change is seen', async () => (await client.get('/read')).text === 'true 2');
    expect(one.calls()).toContain('load');
  });
});
