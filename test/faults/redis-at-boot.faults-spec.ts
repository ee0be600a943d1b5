import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis, type RedisOptions } from 'ioredis';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { eventually } from '../support/eventually.js';
import { newAccess } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';

const SECRET = 'correct-horse-battery';

describe('the Redis store, at boot,', () => {
  let redis: RedisServer;
  let store: RedisSessionStore | undefined;
  beforeAll(async () => {
    redis = await RedisServer.start('--appendonly', 'yes', '--user', 'app', 'on', `>${SECRET}`, '~*', '+@all');
    await redis.command('ACL', 'SETUSER', 'no-scripts', 'on', `>${SECRET}`, '~*', '+@all', '-eval', '-evalsha');
    await redis.command('ACL', 'SETUSER', 'no-writes', 'on', `>${SECRET}`, '~*', '+@all', '-hset', '-del');
    await redis.command('ACL', 'SETUSER', 'other-keys', 'on', `>${SECRET}`, '~other:*', '+@all');
  });
  afterEach(async () => {
    await store?.close();
    store = undefined;
  });
  afterAll(() => redis.stop());

  const warningsOf = async (url: string, settle = 1): Promise<string[]> => {
    const warnings: string[] = [];
    store = new RedisSessionStore({ url, onWarning: (text) => warnings.push(text) });
    await eventually('something is said', () => warnings.length >= settle);
    return warnings;
  };
  const as = (user: string, password = SECRET): string => redis.url.replace('://', `://${user}:${password}@`);

  const risksOf = async (url: string): Promise<string[]> => {
    store = new RedisSessionStore({ url, onWarning: () => undefined });
    return (await store.risks()).map(({ code, severity, meaning, fix }) => `${code} ${severity}: ${meaning} ${fix}`);
  };

  it.each([
    ['a wrong password', () => as('app', 'wrong'), /WRONGPASS/],
    ['an unknown user', () => as('nobody'), /WRONGPASS/],
    [
      'a database that does not exist',
      () => `${redis.url}/99`,
      /(uses database 0|no connection to Redis): .*DB index is out of range/,
    ],
    ['TLS to a server without TLS', () => redis.url.replace('redis:', 'rediss:'), /no connection to Redis over TLS: /],
  ])('F37: warns about %s in one line, without a secret', async (_title, url, expected) => {
    const warnings = await warningsOf(url());

    expect(warnings).toEqual([expect.stringMatching(expected)]);
    expect(warnings.join()).not.toContain(SECRET);
  });

  it.each([
    ['may not run scripts', () => as('no-scripts'), /may not run scripts .*needs EVAL and EVALSHA/],
    ['lacks a command of the scripts', () => as('no-writes'), /may not use HSET, DEL on keys like session:/],
    ['may not use the keys', () => as('other-keys'), /may not use GET, .* on keys like session:/],
  ])('F37: tells that its user %s, without a secret', async (_title, url, expected) => {
    const risks = await risksOf(url());

    expect(risks).toEqual([expect.stringMatching(expected)]);
    expect(risks[0]).toMatch(/^redis-rights high: /);
    expect(risks.join()).not.toContain(SECRET);
  });

  it('F37: warns about nothing when the user has the rights that it needs', async () => {
    const needed =
      'get getex getrange set hget hmget hgetall hset hdel exists pexpire pexpireat del time ' +
      'zadd zcard zrange zrem zscore ' +
      'eval evalsha info hello auth';
    const rights = needed.split(' ').map((command) => `+${command}`);
    await redis.command('ACL', 'SETUSER', 'least', 'on', `>${SECRET}`, '~session:*', ...rights, '+client');
    const warnings: string[] = [];
    store = new RedisSessionStore({ url: as('least'), onWarning: (text) => warnings.push(text) });
    const lifetime = { idleTimeoutMs: 10_000, absoluteTimeoutMs: 10_000, unjoinedTimeoutMs: 10_000 };
    const parts = new Map([['a', { base: null, payload: '1' }]]);

    const [first, second] = [newAccess(), newAccess()];
    const access = { ...second, key: first.key };
    const lock = { token: 'token', leaseMs: 10_000 };

    await eventually('it is connected', async () => (await store?.load(first))?.outcome === 'none');
    const saved = await store.save({ ...first, writeId: 'w', mode: 'create', lifetime, parts });
    const renewal = { proof: second.proof, principal: 'user-17', keep: [] };
    const renewed = await store.save({ access: first, writeId: 'r', mode: 'update', renewal, parts: new Map() });

    expect([saved.outcome, renewed.outcome]).toEqual(['saved', 'saved']);
    expect(await store.locks.acquire(access, lock)).toEqual({ outcome: 'locked' });
    await store.locks.release(access.key, lock);
    expect(await store.touch(access)).toEqual({ outcome: 'touched' });
    expect((await store.load(access, { touchAfterMs: 0 })).outcome).toBe('found');
    expect(await store.destroy(access)).toEqual({ outcome: 'ended' });
    await store.supersede(access);
    expect(await store.load(access)).toEqual({ outcome: 'superseded' });
    expect([warnings, await store.risks()]).toEqual([[], []]);
  });

  it('F14: warns about a policy that evicts sessions', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory', '100mb');
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      expect(await risksOf(as('app'))).toEqual([expect.stringMatching(/^redis-eviction high: .*allkeys-lru/)]);
    } finally {
      await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    }
  });

  it('F14: warns about a server that keeps nothing over its restart', async () => {
    const forgetful = await RedisServer.start();
    try {
      expect(await risksOf(forgetful.url)).toEqual([expect.stringMatching(/^redis-no-append-only-file medium: /)]);
    } finally {
      await store?.close();
      await forgetful.stop();
    }
  });

  it('tells of client settings that queue or repeat calls', async () => {
    const client = new Redis(redis.port, '127.0.0.1');
    const own = new RedisSessionStore({ client });
    const codes = (await own.risks()).map(({ code }) => code);
    await own.close();
    expect(codes).toEqual(['redis-offline-queue', 'redis-resends']);
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });

  it('tells of a server on another machine that anybody can listen to or change', async () => {
    const client = new Redis(redis.port, '127.0.0.1', {
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
    });
    const own = new RedisSessionStore({ client });
    await eventually('it is connected', () => client.status === 'ready');
    const codes = async (change: RedisOptions) => {
      Object.assign(client.options, { host: 'redis.internal', password: undefined, tls: undefined, ...change });
      return (await own.risks()).map(({ code }) => code).filter((code) => code.includes('without'));
    };
    expect(await codes({})).toEqual(['redis-without-tls', 'redis-without-password']);
    expect(await codes({ password: 'p' })).toEqual(['redis-without-tls']);
    expect(await codes({ password: 'p', tls: {} })).toEqual([]);
    expect(await codes({ tls: { cert: 'c' } })).toEqual([]);
    expect(await codes({ host: '127.0.0.1' })).toEqual([]);
    await own.close();
    client.disconnect();
  });

  it('cannot be examined while it is away', async () => {
    store = new RedisSessionStore({ url: 'redis://127.0.0.1:1', onWarning: () => undefined });
    await expect(store.risks()).rejects.toThrow(/closed|offline|ECONNREFUSED|writeable/);
  });
});
