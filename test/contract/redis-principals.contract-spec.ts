import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { RedisSessionStore } from 'nestjs-session-beans/redis';
import type { ClientAccess, ListedSession, SaveResult } from 'nestjs-session-beans/store-kit';
import { RedisCommands } from '../support/redis-commands.js';
import { RedisServer } from '../support/redis-server.js';
import { newAccess, readyRedisStore } from '../support/redis-stores.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const HOUR = 3_600_000;
const lifetime = { idleTimeoutMs: HOUR, absoluteTimeoutMs: 12 * HOUR, unjoinedTimeoutMs: HOUR };

describe('the index of the sessions of a user in Redis', () => {
  let redis: RedisServer;
  let proxy: TcpProxy;
  let store: RedisSessionStore;
  let prefix: string;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  beforeEach(async () => {
    prefix = `${randomUUID()}:`;
    proxy = await TcpProxy.start(redis.port);
    store = await readyRedisStore({ url: `redis://127.0.0.1:${proxy.port}`, prefix });
  });
  afterEach(async () => {
    await store.close();
    await proxy.close();
  });
  afterAll(() => redis.stop());

  function create(access: ClientAccess, principal?: string, mostSessions?: number): Promise<SaveResult> {
    const parts = new Map([['a', { base: null, payload: '1' }]]);
    return store.save({ mode: 'create', ...access, principal, mostSessions, writeId: randomUUID(), lifetime, parts });
  }

  async function list(limit = 100): Promise<readonly ListedSession[]> {
    return (await store.principals.list('ann', { limit, parts: [] })).sessions;
  }

  /** How often the client waited for answers before it sent more. */
  async function tripsOf(work: () => unknown): Promise<number> {
    let trips = 0;
    let isWaiting = false;
    proxy.delayMs = 20;
    proxy.tamper = (piece, direction) => {
      if (direction === 'toServer' && !isWaiting) trips++;
      isWaiting = direction === 'toServer';
      return piece;
    };
    await work();
    proxy.delayMs = 0;
    proxy.tamper = (piece) => piece;
    return trips;
  }

  async function keysOf(pattern: string): Promise<string[]> {
    return (await redis.command('KEYS', `${prefix}${pattern}`)) as string[];
  }

  it('costs a list of 20 sessions two round trips, and the look for too many one', async () => {
    for (let i = 0; i < 20; i++) await create(newAccess(), 'ann');
    expect(await tripsOf(() => list(20))).toBe(2);
    expect(await tripsOf(() => store.principals.list('ann', { limit: 100, ifMoreThan: 20, parts: [] }))).toBe(1);
  });

  it('costs a login one round trip more, and all else nothing', async () => {
    const access = newAccess();
    // The text of each script goes over once.
    await create(newAccess(), 'ann');
    expect(await tripsOf(() => create(access))).toBe(1);
    const update = { mode: 'update', access, parts: new Map() } as const;
    const commands = new RedisCommands(redis);
    await commands.reset();
    await store.save({ ...update, writeId: randomUUID() });
    await store.touch(access);
    await store.destroy(access);
    await create(newAccess());
    const used = [...(await commands.counts()).keys()];
    expect(used.filter((name) => /^(z|hget$|scan|keys|sscan)/.test(name))).toEqual([]);
    expect(await keysOf('*@*')).toHaveLength(2);
    expect(await tripsOf(() => create(newAccess(), 'ann'))).toBe(2);
  });

  it('uses no command that looks through keys, for lists, limits and ends', async () => {
    const commands = new RedisCommands(redis);
    await commands.reset();
    for (let i = 0; i < 5; i++) await create(newAccess(), 'ann', 3);
    for (const { key, record } of await list()) await store.destroy({ key, logins: record.logins });
    await list();
    expect([...(await commands.counts()).keys()].filter((name) => /scan|^keys/.test(name))).toEqual([]);
  });

  it('forgets sessions that have ended when it is read, and ends with the last session', async () => {
    const [one, other] = [newAccess(), newAccess()];
    await create(one, 'ann');
    await create(other, 'ann');
    const [ends = '', logins = ''] = (await keysOf('*@*')).toSorted();
    for (const key of [ends, logins]) {
      const ms = Number(await redis.command('PTTL', key));
      expect(ms).toBeGreaterThan(lifetime.absoluteTimeoutMs);
      expect(ms).toBeLessThan(lifetime.absoluteTimeoutMs + 120_000);
    }
    await store.destroy(one);
    expect((await list()).map(({ key }) => key)).toEqual([other.key]);
    // Nobody waits for the removal, which goes out before the next list.
    await list();
    expect(await redis.command('ZRANGE', logins, 0, -1)).toEqual([other.key]);
    await store.destroy(other);
    await list();
    await list();
    expect(await keysOf('*@*')).toEqual([]);
  });

  it('keeps a login that was noted and is not saved yet, and forgets one whose server has died', async () => {
    await create(newAccess(), 'ann');
    const [, logins = ''] = (await keysOf('*@*')).toSorted();
    const { key } = newAccess();
    await redis.command('ZADD', logins, Date.now(), key);
    expect(await list()).toHaveLength(1);
    await list();
    expect(await redis.command('ZCARD', logins)).toBe(2);
    await redis.command('ZADD', logins, Date.now() - 61_000, key);
    expect(await list()).toHaveLength(1);
    await list();
    expect(await redis.command('ZCARD', logins)).toBe(1);
  });

  it('forgets sessions that are over for certain with each login, so that it does not grow for ever', async () => {
    for (let i = 0; i < 3; i++) await create(newAccess(), 'ann');
    const [ends = '', logins = ''] = (await keysOf('*@*')).toSorted();
    for (const key of (await redis.command('ZRANGE', ends, 0, -1)) as string[])
      await redis.command('ZADD', ends, Date.now() - 1, key);
    await create(newAccess(), 'ann');
    expect(await redis.command('ZCARD', logins)).toBe(1);
    expect(await redis.command('ZCARD', ends)).toBe(1);
  });

  it('has no entry of a login that was refused', async () => {
    const access = newAccess();
    await create(access);
    const renewal = { proof: newAccess().proof, principal: 'ann' };
    const login = { mode: 'update', parts: new Map(), renewal } as const;
    const wrong = { key: access.key, proof: newAccess().proof };
    const conflict = new Map([['a', { base: '7.x', payload: '2' }]]);
    const outcomes = [
      await store.save({ ...login, access: wrong, writeId: randomUUID() }),
      await store.save({ ...login, access, parts: conflict, writeId: randomUUID() }),
    ].map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['gone', 'conflict']);
    expect(await keysOf('*@*')).toEqual([]);
  });

  it('says nothing of users in the names of keys', async () => {
    await create(newAccess(), 'ann@example.com');
    expect((await keysOf('*')).join(' ')).not.toContain('ann');
  });

  it('accepts a login while Redis is full', async () => {
    await create(newAccess(), 'ann');
    await redis.command('CONFIG', 'SET', 'maxmemory', 1);
    try {
      expect(await create(newAccess(), 'ann')).toMatchObject({ outcome: 'saved' });
      expect(await list()).toHaveLength(2);
    } finally {
      await redis.command('CONFIG', 'SET', 'maxmemory', 0);
    }
  });
});
