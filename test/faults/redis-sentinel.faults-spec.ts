import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CountingApplication, startCounting } from '../support/counting-application.js';
import { eventually } from '../support/eventually.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisSentinels } from '../support/redis-sentinels.js';
import type { RedisServer } from '../support/redis-server.js';
import { SessionClient } from '../support/session-client.js';
import { expectUnavailable } from './expect-unavailable.js';

describe('an application with Redis behind sentinels', () => {
  let redis: RedisSentinels;
  let replica: RedisServer;
  let server: CountingApplication | undefined;
  beforeEach(async () => {
    redis = await RedisSentinels.start({ replicas: 1, sentinels: 3 });
    [replica] = redis.replicas as [RedisServer];
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
    await redis?.stop();
  });

  it('F9: answers 503 after the primary dies until the replica takes over, then finds the same sessions', async () => {
    server = await startCounting(await readyRedisStore({ url: redis.url }));
    const client = new SessionClient(server.url);
    await client.counts(1);
    await client.counts(2);
    await isUpToDate();

    await redis.primary.kill();
    const outcomes = await takeover(client);

    expect(outcomes).toEqual(['200 true 2 0']);
    await client.counts(3);
  });

  it('F9: leaves the old primary after a failover on command, and loses nothing', async () => {
    server = await startCounting(await readyRedisStore({ url: redis.url }));
    const client = new SessionClient(server.url);
    await client.counts(1);
    await isUpToDate();

    await (redis.sentinels[0] as RedisServer).command('SENTINEL', 'FAILOVER', 'sessions');
    await eventually('the replica is the primary', async () => (await redis.primaryPort()) === replica.port);
    const outcomes = await takeover(client);

    expect(outcomes).toEqual(['200 true 1 0']);
    await eventually('it can be changed', async () => (await client.post('/count')).status === 201);
    expect(await replica.info('keyspace', 'db0')).toContain('keys=1');
  });

  it('F10: with durability, answers 503 to a change that no replica has, and keeps acknowledged ones', async () => {
    const durability = { replicas: 1, timeoutMs: 300 };
    server = await startCounting(await readyRedisStore({ url: redis.url, durability }));
    const [client, leaving] = [new SessionClient(server.url), new SessionClient(server.url)];
    await isAcknowledged(client, '/count');
    const counted = Number(await isAcknowledged(client, '/count'));
    await isAcknowledged(leaving, '/count');
    const left = leaving.cookie;
    await isAcknowledged(leaving, '/logout');

    replica.signal('SIGSTOP');
    const lost = [];
    for (let i = 0; i < 3; i++) {
      lost.push(await client.post('/count'));
      // WAIT blocks the writes behind it, but not the reads.
      expect((await client.get('/read')).status).toBe(200);
    }
    await redis.primary.kill();
    replica.signal('SIGCONT');

    lost.forEach(expectUnavailable);
    const [outcome = ''] = await takeover(client);
    const [, value] = /^200 true (\d+) 0$/.exec(outcome) ?? [];
    expect(Number(value)).toBeGreaterThanOrEqual(counted);
    expect(Number(value)).toBeLessThanOrEqual(counted + lost.length);
    // On a connection of its own: the server may be closing that of before, on which nothing was sent for seconds.
    const late = new SessionClient(server.url);
    late.cookie = left;
    expect((await late.get('/read')).text).toBe('false 0');
  });

  /** Repeats a request until the replica confirms it in time, which may fail at first on a busy machine. */
  function isAcknowledged(client: SessionClient, path: string): Promise<string> {
    return eventually(`${path} is acknowledged`, async () => {
      const { status, text } = await client.post(path);
      return status === 201 && (text || 'done');
    });
  }

  async function isUpToDate(): Promise<void> {
    const offset = await redis.primary.info('replication', 'master_repl_offset');
    await eventually('the replica is up to date', async () => {
      return Number(await replica.info('replication', 'slave_repl_offset')) >= Number(offset);
    });
  }

  /** Reads until a read succeeds, and returns every outcome but 503. */
  async function takeover(client: SessionClient): Promise<string[]> {
    const outcomes = new Set<string>();
    await eventually('the replica has taken over', async () => {
      const { status, text, setCookie } = await client.get('/read');
      outcomes.add(`${status} ${status === 200 ? text : ''} ${setCookie.length}`);
      return status === 200;
    });
    outcomes.delete('503  0');
    return [...outcomes];
  }
});
