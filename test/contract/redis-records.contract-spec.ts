import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SessionStateError } from 'nestjs-session-beans';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { Redis } from 'ioredis';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';

const LIFETIME = { idleTimeoutMs: 10_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 5_000 };
const KEY = 'session:{key}';

describe('the Redis store, with unusual data under the key of a session,', () => {
  let server: RedisServer;
  let redis: Redis;
  let store: RedisSessionStore;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.port, '127.0.0.1');
    store = await readyRedisStore({ url: server.url, maxRecordBytes: 10_000 });
  });
  afterAll(async () => {
    await store.close();
    redis.disconnect();
    await server.stop();
  });
  beforeEach(async () => {
    await redis.flushall();
    const parts = new Map([['a', { base: null, payload: 'one' }]]);
    await store.save({ key: 'key', writeId: 'creation', mode: 'create', lifetime: LIFETIME, parts });
  });

  const foreign: [string, () => Promise<unknown>][] = [
    ['B30: a list', () => redis.del(KEY).then(() => redis.lpush(KEY, 'x'))],
    ['B30: a text', () => redis.set(KEY, '{"counter":1}')],
    ['B30: binary bytes', () => redis.set(KEY, Buffer.from([0, 255, 10, 13]))],
    ['B30: a hash of somebody else', () => redis.del(KEY).then(() => redis.hset(KEY, 'name', 'x'))],
    ['B42: no life', () => redis.hdel(KEY, 'life')],
    ['B42: a life that is no numbers', () => redis.hset(KEY, 'life', 'NaN -1 2 3')],
    ['B42: no last use', () => redis.hset(KEY, 'use', '')],
    ['B36: more bytes than allowed', () => redis.hset(KEY, 'junk', 'x'.repeat(20_000))],
  ];

  it.each(foreign)('refuses to load and save, and changes nothing: %s', async (_title, put) => {
    await put();
    const before = await redis.dumpBuffer(KEY);
    const change = {
      key: 'key',
      writeId: 'late',
      mode: 'update',
      parts: new Map([['a', { base: null, payload: 'two' }]]),
    } as const;

    await expect(store.load('key', { touchAfterMs: 60_000 })).rejects.toMatchObject({ reason: 'undecodable' });
    await expect(store.save(change)).rejects.toBeInstanceOf(SessionStateError);
    await expect(store.save({ ...change, mode: 'create', lifetime: LIFETIME })).rejects.toBeInstanceOf(
      SessionStateError,
    );
    expect(await redis.dumpBuffer(KEY)).toEqual(before);
  });

  it.each(foreign.slice(0, 4))('does not end data that is no session: %s', async (_title, put) => {
    await put();
    const before = await redis.dumpBuffer(KEY);

    await expect(store.touch('key')).rejects.toBeInstanceOf(SessionStateError);
    expect(await store.destroy('key')).toBe(false);
    expect(await redis.dumpBuffer(KEY)).toEqual(before);
  });

  it.each(foreign.slice(4))('can end a session that is damaged: %s', async (_title, put) => {
    await put();

    expect(await store.destroy('key')).toBe(true);
    expect(await store.load('key')).toEqual({ outcome: 'none' });
  });

  it.each([
    ['without a version', 'no line feed'],
    ['empty', ''],
    ['with a version of another kind', '7\n{}'],
  ])('a part %s is refused, and not overwritten as one that does not exist', async (_title, text) => {
    await redis.hset(KEY, ':a', text);
    const before = await redis.dumpBuffer(KEY);
    const parts = new Map([['a', { base: null, payload: 'two' }]]);

    await expect(store.load('key')).rejects.toMatchObject({ reason: 'undecodable' });
    await expect(store.save({ key: 'key', writeId: 'w', mode: 'update', parts })).rejects.toBeInstanceOf(
      SessionStateError,
    );
    expect(await redis.dumpBuffer(KEY)).toEqual(before);
  });

  it('B41: ends a session that lost its TTL in time, and restores its TTL at the next use', async () => {
    await redis.persist(KEY);

    await store.load('key', { touchAfterMs: 0 });

    expect(await redis.pttl(KEY)).toBeGreaterThan(0);
    await redis.persist(KEY);
    await redis.hset(KEY, 'use', '1000 1');
    expect(await store.load('key')).toEqual({ outcome: 'none' });
    expect(await redis.exists(KEY)).toBe(0);
  });

  it('R42: keeps a field that a newer release added', async () => {
    await redis.hset(KEY, 'newer', 'x');
    const found = await store.load('key');
    const base = found.outcome === 'found' ? (found.record.parts.get('a')?.version ?? null) : null;
    await store.save({ key: 'key', writeId: 'w', mode: 'update', parts: new Map([['a', { base, payload: 'two' }]]) });

    expect(await redis.hget(KEY, 'newer')).toBe('x');
    expect(await redis.hget(KEY, ':a')).toBe('2.w\ntwo');
  });

  it('saves a session of 5,000 parts completely', async () => {
    const big = await readyRedisStore({ url: server.url });
    const names = Array.from({ length: 5_000 }, (_, i) => `part${i}`);
    const parts = new Map(names.map((name) => [name, { base: null, payload: name }] as const));

    const saved = await big.save({ key: 'big', writeId: 'w', mode: 'create', lifetime: LIFETIME, parts });
    const found = await big.load('big');
    await big.close();

    expect(saved.outcome).toBe('saved');
    expect(found.outcome === 'found' && found.record.parts.size).toBe(5_000);
  });

  it('R8: throws errors of Redis without the contents of the session', async () => {
    await redis.config('SET', 'maxmemory', '1');
    const parts = new Map([['a', { base: null, payload: 'SECRET' }]]);
    const change = { key: 'other', writeId: 'w', mode: 'create', lifetime: LIFETIME, parts } as const;

    const error = await store.save(change).catch((reason: unknown) => reason);
    await redis.config('SET', 'maxmemory', '0');

    expect(String(error)).toContain('OOM');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('SECRET');
  });

  it('works with a client that prefixes keys, returns numbers as strings and uses RESP2', async () => {
    const client = new Redis({
      port: server.port,
      host: '127.0.0.1',
      keyPrefix: 'app:',
      stringNumbers: true,
      protocol: 2,
      enableAutoPipelining: true,
    });
    const own = new RedisSessionStore({ client, onWarning: () => undefined });
    const parts = new Map([['a', { base: null, payload: '1' }]]);

    expect((await own.save({ key: 'k', writeId: 'w', mode: 'create', lifetime: LIFETIME, parts })).outcome).toBe(
      'saved',
    );
    expect((await own.load('k', { known: '1.w' })).outcome).toBe('unchanged');
    expect((await own.load('k')).outcome).toBe('found');
    expect(await own.touch('k')).toBe(true);
    expect(await own.destroy('k')).toBe(true);
    expect(await own.destroy('k')).toBe(false);
    expect(await redis.exists('app:session:{k}')).toBe(1);
    await own.close();
    client.disconnect();
  });
});
