import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { type CountingApplication, startCounting } from '../support/counting-application.js';
import { eventually } from '../support/eventually.js';
import { newAccess, readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';
import { SessionClient } from '../support/session-client.js';
import { expectUnavailable } from './expect-unavailable.js';

describe('an application whose Redis is away', () => {
  let redis: RedisServer;
  let server: CountingApplication | undefined;
  beforeEach(async () => {
    redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
    await redis.stop();
  });

  it('F1: starts without Redis, warns once, serves other routes, and recovers by itself', async () => {
    await redis.kill();
    const warnings: string[] = [];
    server = await startCounting(new RedisSessionStore({ url: redis.url, onWarning: (text) => warnings.push(text) }));
    const client = new SessionClient(server.url);

    expectUnavailable(await client.post('/count'));
    expect((await client.get('/ping')).status).toBe(200);
    await eventually('the log says why', () => warnings.length > 0);
    expect(warnings).toEqual([expect.stringMatching(/no connection to Redis: .*ECONNREFUSED/)]);

    await redis.run();
    await eventually('the server recovers', async () => (await client.post('/count')).status === 201);
    await client.counts(2);
  });

  it('F2, R24, R26: answers 503 while Redis is down, keeps the cookie, and finds the session afterwards', async () => {
    server = await startCounting(await readyRedisStore({ url: redis.url }));
    const client = new SessionClient(server.url);
    await client.counts(1);
    await client.counts(2);
    const { cookie } = client;
    await redis.kill();

    expectUnavailable(await client.get('/read'));
    expectUnavailable(await client.post('/count'));
    expectUnavailable(await client.post('/logout'));
    server.store.reset();
    expect((await client.get('/ping')).status).toBe(200);
    expect(server.store.total).toBe(0);

    await redis.run();
    const answer = await eventually('the server recovers', async () => {
      const read = await client.get('/read');
      return read.status === 200 && read;
    });
    expect(answer.text).toBe('true 2');
    expect(client.cookie).toBe(cookie);
    await client.counts(3);
  });

  it('F3: answers 503 when Redis dies between load and commit, and leaves the stored session as it was', async () => {
    server = await startCounting(await readyRedisStore({ url: redis.url }));
    const client = new SessionClient(server.url);
    await client.counts(1);

    const answer = await slowly(server, client, () => redis.kill());

    expectUnavailable({ ...answer, ms: 0 });
    await redis.run();
    await eventually('the server recovers', async () => (await client.get('/read')).text === 'true 1');
    await client.counts(2);
  });

  it('F3: commits when Redis dies and comes back between load and commit', async () => {
    server = await startCounting(await readyRedisStore({ url: redis.url }));
    const client = new SessionClient(server.url);
    await client.counts(1);
    const other = await readyRedisStore({ url: redis.url });

    const answer = await slowly(server, client, async () => {
      await redis.kill();
      await redis.run();
      await eventually('the connections are back', async () => (await other.load(newAccess())).outcome === 'none');
      await eventually(
        'the connection of the server is back',
        async () => (await server?.store.load(newAccess()))?.outcome === 'none',
      );
    });
    await other.close();

    expect(answer.status).toBe(201);
    await client.counts(3);
  });

  it('F5: answers 503 in time while Redis hangs, and stores each change once or not at all', async () => {
    server = await startCounting(await readyRedisStore({ url: redis.url }));
    const clients = Array.from({ length: 10 }, () => new SessionClient((server as CountingApplication).url));
    await Promise.all(clients.map((client) => client.counts(1)));

    redis.signal('SIGSTOP');
    const stopped = performance.now();
    try {
      const answers = await Promise.all(clients.map((client) => client.post('/count')));
      answers.forEach(expectUnavailable);
      // Redis hangs for longer than a connection may be silent. The store closes that connection and makes another,
      // which hangs as well.
      await eventually('it is stopped for long', () => performance.now() - stopped > 3_000);
      expectUnavailable(await (clients[0] as SessionClient).get('/read'));
    } finally {
      redis.signal('SIGCONT');
    }

    for (const client of clients) {
      const text = await eventually('the server recovers', async () => {
        const read = await client.get('/read');
        return read.status === 200 && read.text;
      });
      expect(['true 1', 'true 2']).toContain(text);
      await client.counts(Number(text.slice(5)) + 1);
    }
  });

  it('F5: answers 503 in time when Redis hangs after the load, and stores the change once or not at all', async () => {
    server = await startCounting(await readyRedisStore({ url: redis.url }));
    const client = new SessionClient(server.url);
    await client.counts(1);

    const answer = await slowly(server, client, () => redis.signal('SIGSTOP'));

    redis.signal('SIGCONT');
    expectUnavailable({ ...answer, ms: 0 });
    const text = await eventually('the server recovers', async () => {
      const read = await client.get('/read');
      return read.status === 200 && read.text;
    });
    expect(['true 1', 'true 2']).toContain(text);
    await client.counts(Number(text.slice(5)) + 1);
  });
});

/** Sends a request and runs `meanwhile` between its load and its commit. */
async function slowly(
  { gate }: CountingApplication,
  client: SessionClient,
  meanwhile: () => Promise<void> | void,
): Promise<Awaited<ReturnType<SessionClient['post']>>> {
  let open = (): void => undefined;
  gate.passed = new Promise((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (gate.reached = resolve));
  const answer = client.post('/slow');
  await reached;
  await meanwhile();
  open();
  return answer;
}
