import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type CountingApplication, startCounting } from '../support/counting-application.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisCommands } from '../support/redis-commands.js';
import { RedisServer } from '../support/redis-server.js';
import { SessionClient } from '../support/session-client.js';

/** Commands that the scripts call inside Redis, and commands of this test. */
const INSIDE =
  /^(get|getrange|set|hget|hmget|hset|hdel|hgetall|exists|pexpire|pexpireat|del|time|config\|resetstat|info|hello|client\|.*)$/;

describe('a request to a server with the Redis store', () => {
  let redis: RedisServer;
  let commands: RedisCommands;
  let server: CountingApplication;
  let client: SessionClient;
  beforeAll(async () => {
    redis = await RedisServer.start();
    commands = new RedisCommands(redis);
    server = await startCounting(await readyRedisStore({ url: redis.url }));
  });
  afterAll(async () => {
    await server.close();
    await redis.stop();
  });
  beforeEach(async () => {
    client = new SessionClient(server.url);
    await client.counts(1);
    await client.get('/read');
  });

  it.each([
    ['needs no session', 'GET', '/ping', 0],
    ['reads', 'GET', '/read', 1],
    ['reads and writes', 'POST', '/count', 2],
    // The last one asks whether somebody has logged in with the dead id meanwhile, whose cookie must stay.
    ['logs out', 'POST', '/logout', 3],
  ] as const)('that %s (%s %s) needs %i round trips', async (_title, method, path, trips) => {
    expect(await tripsOf(() => (method === 'GET' ? client.get(path) : client.post(path)))).toBe(trips);
  });

  it('that reads an unchanged session needs one round trip, and writes nothing', async () => {
    const trips = await tripsOf(async () => {
      for (let i = 0; i < 100; i++) await client.get('/read');
    });

    // Two for each would be 200. A call whose answer is late on a busy machine may be sent once more.
    expect(trips).toBeGreaterThanOrEqual(100);
    expect(trips).toBeLessThan(110);
    expect([...(await commands.counts()).keys()]).not.toContain('set');
  });

  it('without a cookie needs no round trip to read, and one to write', async () => {
    expect(await tripsOf(() => new SessionClient(server.url).get('/read'))).toBe(0);
    expect(await tripsOf(() => new SessionClient(server.url).post('/count'))).toBe(1);
  });

  it('moves no payload of an unchanged session while the server keeps it live', async () => {
    await client.post('/fill');
    let open = (): void => undefined;
    server.gate.passed = new Promise((resolve) => (open = resolve));
    const reached = new Promise<void>((resolve) => (server.gate.reached = resolve));

    const bytesOfFirst = await bytesOf(async () => {
      void client.post('/slow');
      await reached;
    });
    const bytesOfTen = await bytesOf(async () => {
      for (let i = 0; i < 10; i++) await client.get('/read');
    });
    open();

    expect(bytesOfFirst).toBeGreaterThan(200_000);
    expect(bytesOfTen).toBeLessThan(50_000);
  });

  async function tripsOf(requests: () => Promise<unknown>): Promise<number> {
    await commands.reset();
    await requests();
    const counted = await commands.counts();
    expect([...counted.keys()].filter((name) => !/^(eval|evalsha|getex)$/.test(name) && !INSIDE.test(name))).toEqual(
      [],
    );
    return commands.trips();
  }

  async function bytesOf(requests: () => Promise<unknown>): Promise<number> {
    const before = await commands.bytesSent();
    await requests();
    return (await commands.bytesSent()) - before;
  }
});
