import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, rmSync } from 'node:fs';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { type CountingApplication, startCounting } from '../support/counting-application.js';
import { eventually } from '../support/eventually.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';
import { SessionClient } from '../support/session-client.js';
import { expectUnavailable } from './expect-unavailable.js';

describe('an application whose Redis refuses calls', () => {
  let redis: RedisServer;
  let server: CountingApplication;
  let client: SessionClient;
  beforeEach(async () => {
    redis = await RedisServer.start('--save', '3600', '1', '--enable-protected-configs', 'yes');
    server = await startCounting(await readyRedisStore({ url: redis.url }));
    client = new SessionClient(server.url);
    await client.counts(1);
    await client.get('/read');
  });
  afterEach(async () => {
    await server.close();
    await redis.stop();
  });

  it('F7: begins no session when Redis is out of memory, while living ones are read, changed and ended', async () => {
    const leaving = new SessionClient(server.url);
    await leaving.counts(1);
    await redis.command('CONFIG', 'SET', 'maxmemory', 1);

    expectUnavailable(await new SessionClient(server.url).post('/count'));
    await client.counts(2);
    expectUnavailable(await client.post('/fill'));
    expect((await client.get('/read')).text).toBe('true 2');
    expect((await leaving.post('/logout')).status).toBe(201);
    expect((await leaving.get('/read')).text).toBe('false 0');

    await redis.command('CONFIG', 'SET', 'maxmemory', 0);
    await client.counts(3);
  });

  it('F8: answers 503, also to reads, while Redis is a replica, and recovers when it is a primary again', async () => {
    const primary = await RedisServer.start();
    try {
      await redis.command('CONFIG', 'SET', 'replica-serve-stale-data', 'yes');
      await redis.command('REPLICAOF', '127.0.0.1', primary.port);

      expectUnavailable(await client.post('/count'));
      expectUnavailable(await client.get('/read'));

      await eventually(
        'the copy is there',
        async () => (await redis.info('replication', 'master_link_status')) === 'up',
      );
      expectUnavailable(await client.get('/read'));
      await redis.command('REPLICAOF', 'NO', 'ONE');
      await eventually('the server recovers', async () => (await client.get('/read')).status === 200);
    } finally {
      await primary.stop();
    }
  });

  it('F11: works without a failure when the scripts are flushed under load', async () => {
    for (let i = 2; i <= 40; i++) {
      if (i % 4 === 0) await redis.command('SCRIPT', 'FLUSH');
      await client.counts(i);
    }
    const others = Array.from({ length: 20 }, () => new SessionClient(server.url));
    await redis.command('SCRIPT', 'FLUSH');
    const answers = await Promise.all(others.map((other) => other.post('/count')));
    expect(answers.map(({ status }) => status)).toEqual(others.map(() => 201));
  });

  it('F13: ends all sessions when Redis is flushed, removes their cookies, uses no id of them again', async () => {
    const { cookie } = client;
    await redis.command('FLUSHALL');

    const { status, text, setCookie } = await client.get('/read');

    expect({ status, text }).toEqual({ status: 200, text: 'false 0' });
    expect(setCookie).toEqual([expect.stringContaining('Max-Age=0')]);
    client.cookie = cookie;
    await client.counts(1);
    expect(client.cookie).not.toBe(cookie);
  });

  it('F13: answers 409 when Redis is flushed between load and commit, and restores nothing', async () => {
    let open = (): void => undefined;
    server.gate.passed = new Promise((resolve) => (open = resolve));
    const reached = new Promise<void>((resolve) => (server.gate.reached = resolve));
    const slow = client.post('/slow');
    await reached;
    await redis.command('FLUSHALL');
    open();

    expect(await slow).toMatchObject({ status: 409, setCookie: [] });
    expect(await redis.command('DBSIZE')).toBe(0);
  });

  it('F36: answers 503 while Redis cannot save to disk (MISCONF), and recovers', async () => {
    rmSync(redis.directory, { recursive: true });
    await redis.command('BGSAVE');
    await eventually('saving has failed', async () => {
      return (await redis.info('persistence', 'rdb_last_bgsave_status')) === 'err';
    });

    expectUnavailable(await client.post('/count'));
    expectUnavailable(await client.get('/read'));

    mkdirSync(redis.directory);
    await redis.command('CONFIG', 'SET', 'dir', redis.directory);
    await redis.command('BGSAVE');
    await eventually('saving works', async () => {
      return (await redis.info('persistence', 'rdb_last_bgsave_status')) === 'ok';
    });
    await client.counts(2);
  });

  it('F16: works when its own clock is wrong by an hour', async () => {
    for (const hours of [-1, 1]) {
      const clock = new ManualClock(Date.now() + hours * 3_600_000);
      const wrong = await startCounting(await readyRedisStore({ url: redis.url }), { clock });
      const there = new SessionClient(wrong.url);
      const here = new SessionClient(server.url);
      await there.counts(1);
      here.cookie = there.cookie;
      await here.counts(2);
      await there.counts(3);
      expect((await there.get('/read')).text).toBe('true 3');
      await wrong.close();
    }
  });
});
