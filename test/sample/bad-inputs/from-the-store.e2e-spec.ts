import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { damagedKeys, refusedPayloads, servedPayloads } from './from-the-store.js';
import { idCookies, samples } from './sample-under-test.js';
import { Serving } from './serving.js';

describe.each(samples)('bad values in the store: the sample, $pattern $mode, $adapter,', (each) => {
  const on = new Serving(each);

  it.each(refusedPayloads)('%s is refused and kept, and the session can be ended', async (_title, payload) => {
    await on.sample.put(on.token, 'counter', payload);
    for (const path of ['/count/peek', '/count']) {
      const { status, body, cookies } = await on.sample.get(path, on.cookie());
      expect([status, idCookies({ cookies })]).toEqual([500, []]);
      expect(JSON.parse(body)).toMatchObject({
        statusCode: 500,
        message: expect.stringMatching(/^internal server error$/i),
      });
    }
    expect(await on.sample.stored(on.token, 'counter')).toBe(payload);
    expect((await on.sample.get('/cart', on.cookie())).status).toBe(200);
    expect((await on.sample.send('DELETE', '/session', on.cookie())).status).toBe(204);
    expect((await on.peek()).body).toBe('counter=0');
  });

  it.each(servedPayloads)('%s', async (_title, payload, answer) => {
    await on.sample.put(on.token, 'counter', payload);
    expect(await on.peek()).toMatchObject({ status: 200, body: answer });
    expect((await on.sample.send('DELETE', '/session', on.cookie())).status).toBe(204);
  });

  it('B32 a bean that this release does not know is carried', async () => {
    await on.sample.put(on.token, 'of-another-release', 'not even JSON');
    expect((await on.sample.get('/count', on.cookie())).body).toBe('counter=2');
    expect(await on.sample.stored(on.token, 'of-another-release')).toBe('not even JSON');
  });

  it('B40 what a newer release has added to a bean stays', async () => {
    await on.sample.put(on.token, 'counter', '1{"value":8,"more":{"deep":[1]}}');
    expect((await on.sample.get('/count', on.cookie())).body).toBe('counter=9');
    expect(await on.sample.stored(on.token, 'counter')).toBe('1{"value":9,"more":{"deep":[1]}}');
  });

  it('B44 a session that is changed between load and save is merged', async () => {
    on.sample.beforeNextSave(() => on.sample.put(on.token, 'counter', '1{"value":10}'));
    expect((await on.sample.get('/count', on.cookie())).status).toBe(200);
    expect((await on.peek()).body).toBe('counter=11');
  });

  if (each.pattern !== 'external' && each.pattern !== 'cached') return;

  it.each(damagedKeys)('%s under the key of a session is refused and kept', async (_title, damage) => {
    const redis = on.sample.redis as Redis;
    const key = await on.sample.redisKey(on.token);
    await damage(redis, key);
    const before = await redis.dumpBuffer(key);
    for (const [method, path] of [
      ['GET', '/count/peek'],
      ['GET', '/count'],
      ['POST', '/logout'],
    ] as const) {
      const { status, cookies } = await on.sample.send(method, path, on.cookie());
      expect([path, status, idCookies({ cookies })]).toEqual([path, 500, []]);
    }
    expect(await redis.dumpBuffer(key)).toEqual(before);
    expect((await on.sample.get('/count')).body).toBe('counter=1');
  });

  it('B36 more than a session may have is not read', async () => {
    await on.sample.redis?.append(await on.sample.redisKey(on.token), `\njunk ${'x'.repeat(5_000_000)}`);
    const { status, cookies } = await on.peek();
    // A near cache knows the session. On a busy machine Redis may take longer than requests wait for it.
    expect(each.pattern === 'cached' ? [200] : [500, 503]).toContain(status);
    expect(idCookies({ cookies })).toEqual([]);
  });

  it('B41 a key without TTL gets one with the next use', async () => {
    const key = await on.sample.redisKey(on.token);
    await on.sample.redis?.persist(key);
    expect((await on.peek()).body).toBe('counter=1');
    expect(await on.sample.redis?.pttl(key)).toBeGreaterThan(0);
  });
});
