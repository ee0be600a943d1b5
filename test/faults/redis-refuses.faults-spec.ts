import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, rmSync } from 'node:fs';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { type CountingApplication, startCounting } from '../support/counting-application.js';
import { eventually } from '../support/eventually.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';
import { SessionClient } from '../support/session-client.js';
import { expectUnavailable } from './expect-unavailable.js';

describe('Redis refuses', () => {
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

  it('F7: out of memory: changes are answered with 503, reading and logging out go on', async () => {
    const leaving = new SessionClient(server.url);
    await leaving.counts(1);
    await redis.command('CONFIG', 'SET', 'maxmemory', 1);

    expectUnavailable(await client.post('/count'));
    expectUnavailable(await new SessionClient(server.url).post('/count'));
    expect((await client.get('/read')).text).toBe('true 1');
    expect((await leaving.post('/logout')).status).toBe(201);
    expect((await leaving.get('/read')).text).toBe('false 0');

    await redis.command('CONFIG', 'SET', 'maxmemory', 0);
    await client.counts(2);
  });

  it('F8: it has become a replica: 503, also for reads, which would be old; heals as a primary again', async () => {
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
      await eventually('it heals', async () => (await client.get('/read')).status === 200);
    } finally {
      await primary.stop();
    }
  });

  it('F11: its scripts are flushed, again and again under load: nobody notices', async () => {
    for (let i = 2; i <= 40; i++) {
      if (i % 4 === 0) await redis.command('SCRIPT', 'FLUSH');
      await client.counts(i);
    }
    const others = Array.from({ length: 20 }, () => new SessionClient(server.url));
    await redis.command('SCRIPT', 'FLUSH');
    const answers = await Promise.all(others.map((other) => other.post('/count')));
    expect(answers.map(({ status }) => status)).toEqual(others.map(() => 201));
  });

  it('F13: everything is flushed: sessions end cleanly, their ids are not used again', async () => {
    const { cookie } = client;
    await redis.command('FLUSHALL');

    expect(await client.get('/read')).toMatchObject({ status: 200, text: 'false 0', setCookie: [] });
    await client.counts(1);
    expect(client.cookie).not.toBe(cookie);
  });

  it('F13: everything is flushed between load and commit: 409, nothing is brought back', async () => {
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

  it('F36: cannot save to disk (MISCONF): 503; heals alone when it can', async () => {
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

  it('F16: the clock of an application server is an hour wrong: no change', async () => {
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
