import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ANSWERED_WITHIN_MS, type CountingApplication, startCounting } from '../support/counting-application.js';
import { eventually } from '../support/eventually.js';
import { newAccess, readyRedisStore, WatchedRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';
import { SessionClient } from '../support/session-client.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { expectUnavailable } from './expect-unavailable.js';

/** How long the mark of an ended session stays: only a logout has it among its arguments. */
const ENDED_FOR_MS = '120000';

describe('an application with a faulty network to Redis', () => {
  let redis: RedisServer;
  let network: TcpProxy;
  let server: CountingApplication;
  let client: SessionClient;
  beforeEach(async () => {
    redis = await RedisServer.start();
    network = await TcpProxy.start(redis.port);
    server = await startCounting(await readyRedisStore({ url: `redis://127.0.0.1:${network.port}` }));
    client = new SessionClient(server.url);
  });
  afterEach(async () => {
    await server.close();
    await network.close();
    await redis.stop();
  });

  it('F4: recognises its own save when the answer to it is lost, and counts it once', async () => {
    await client.counts(1);
    await client.counts(2);
    const lost = loseAnswerTo('update');

    await client.counts(3);

    expect(lost()).toBe(1);
    expect((await client.get('/read')).text).toBe('true 3');
  });

  it('F4: creates a session once when the answer to its creation is lost', async () => {
    await client.counts(1);
    const lost = loseAnswerTo('create');
    const other = new SessionClient(server.url);

    await other.counts(1);

    expect(lost()).toBe(1);
    await other.counts(2);
  });

  it('F4: gives a session one new id when the answer to that is lost, and the former id is superseded', async () => {
    const store = await readyRedisStore({ url: `redis://127.0.0.1:${network.port}` });
    const [access, other] = [newAccess(), newAccess()];
    for (const each of [access, other]) await WatchedRedisStore.create(store, each);
    // Redis has the script by now: the answer that is lost is not that it has none.
    await WatchedRedisStore.renew(store, other);
    const lost = loseAnswerTo('update');

    const renewed = await WatchedRedisStore.renew(store, access);

    expect(lost()).toBe(1);
    expect(await store.load(renewed.access)).toMatchObject({ record: { generation: 1, stamp: renewed.stamp } });
    expect(await store.load(access)).toEqual({ outcome: 'superseded' });
    await store.close();
  });

  it('F4: answers that it has ended a session, when the first answer to that is lost', async () => {
    const store = await readyRedisStore({ url: `redis://127.0.0.1:${network.port}` });
    const access = newAccess();
    await WatchedRedisStore.create(store, access);
    // As above.
    await store.destroy(newAccess());
    const lost = loseAnswerTo(ENDED_FOR_MS);

    expect(await store.destroy(access)).toEqual({ outcome: 'ended' });

    expect(lost()).toBe(1);
    await store.close();
  });

  it('F4: ends a session when the answer to the logout is lost, and refuses a slower request', async () => {
    await client.counts(1);
    await new SessionClient(server.url).post('/logout');
    let open = (): void => undefined;
    server.gate.passed = new Promise((resolve) => (open = resolve));
    const reached = new Promise<void>((resolve) => (server.gate.reached = resolve));
    const slow = client.post('/slow');
    await reached;
    const lost = loseAnswerTo(ENDED_FOR_MS);

    const logout = await client.post('/logout');
    open();
    const late = await slow;

    expect(lost()).toBe(1);
    expect(logout.status).toBe(201);
    expect(late).toMatchObject({ status: 409, setCookie: [] });
    expect((await client.get('/read')).text).toBe('false 0');
  });

  it('F4: counts each acknowledged change, and none twice, when answers are lost under load', async () => {
    await client.counts(1);
    let saves = 0;
    network.losesAnswerTo = (request) => request.includes('update') && ++saves % 3 === 0;

    const statuses: number[] = [];
    for (let i = 0; i < 30; i++) statuses.push((await client.post('/count')).status);

    network.losesAnswerTo = () => false;
    const accepted = statuses.filter((status) => status === 201).length;
    const unknown = statuses.filter((status) => status === 503).length;
    expect(accepted + unknown).toBe(30);
    const value = Number((await client.get('/read')).text.slice(5));
    expect(value).toBeGreaterThanOrEqual(1 + accepted);
    expect(value).toBeLessThanOrEqual(1 + accepted + unknown);
    expect(accepted).toBeGreaterThan(20);
  });

  it('F6: answers later when Redis is 200 ms away', async () => {
    const store = await readyRedisStore({ url: `redis://127.0.0.1:${network.port}` });
    const patient = await startCounting(store, { storeTimeoutMs: 20_000 });
    const slow = new SessionClient(patient.url);
    await slow.counts(1);
    network.delayMs = 200;

    expect(await slow.post('/count')).toMatchObject({ status: 201, text: '2' });
    await patient.close();
  });

  it('F6: answers 503 in time to each of 100 concurrent requests when Redis is 5 s away, and recovers', async () => {
    await client.counts(1);
    network.delayMs = 5_000;

    const answers = await Promise.all(Array.from({ length: 100 }, () => client.get('/read')));

    for (const answer of answers) expectUnavailable(answer);
    network.delayMs = 0;
    await eventually('the server recovers', async () => (await client.get('/read')).text === 'true 1');
    await client.counts(2);
  });

  it('R25: answers 503 in time while the network swallows everything, and recovers on a new connection', async () => {
    await client.counts(1);
    network.isBlackHole = true;

    for (let i = 0; i < 4; i++) expectUnavailable(await client.get('/read'));
    network.isBlackHole = false;

    await eventually('the server recovers', async () => (await client.get('/read')).text === 'true 1');
    await client.counts(2);
  });

  it('R25: answers every request, and loses no change, while its connections are cut repeatedly', async () => {
    await client.counts(1);
    const cutting = setInterval(() => network.cut(), 150);

    const statuses: number[] = [];
    for (let i = 0; i < 40; i++) {
      const { status, ms } = await client.post('/count');
      statuses.push(status);
      expect(ms).toBeLessThan(2 * ANSWERED_WITHIN_MS);
    }
    clearInterval(cutting);

    const text = await eventually('the server recovers', async () => {
      const read = await client.get('/read');
      return read.status === 200 && read.text;
    });
    const accepted = statuses.filter((status) => status === 201).length;
    expect(new Set([...statuses, 201, 503])).toEqual(new Set([201, 503]));
    expect(Number(text.slice(5))).toBeGreaterThanOrEqual(1 + accepted);
    expect(Number(text.slice(5))).toBeLessThanOrEqual(41);
  });

  /** Loses the answer to the next command with this argument. */
  /** A save without a copy asks for the session first, and changes nothing then: that answer is not lost. */
  function loseAnswerTo(argument: string): () => number {
    let lost = 0;
    network.losesAnswerTo = (request) => {
      if (lost > 0 || !new RegExp(`\r\n${argument}[ \r]`).test(request) || request.includes('\r\n?\r\n')) return false;
      lost++;
      return true;
    };
    return () => lost;
  }
});
