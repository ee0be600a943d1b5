import { describe, expect, it, jest } from '@jest/globals';
import { generateSessionId } from '../../../libs/session/src/store/session-id.js';
import { eventually } from '../../support/eventually.js';
import { RawClient } from '../../support/raw-client.js';
import { WatchedRedisStore, readyRedisStore } from '../../support/redis-stores.js';
import { addresses, forged, forwarding, found, ignored, jsonRequest, refusedByNode, shapes } from './from-clients.js';
import { REMOVED, idCookies, samples, tokenOf } from './sample-under-test.js';
import { Serving } from './serving.js';

const ONE_DAY_MS = 24 * 3_600_000;

describe.each(samples)('bad input from clients: the sample, $pattern $mode, $adapter,', (each) => {
  const on = new Serving(each);

  const noSession = [...ignored, ...('SESSION_SECRETS' in each.env ? forged : [])];
  it.each(noSession)('%s is no session', async (_title, headers) => {
    const lines = headers(on.token, on.sample);
    expect(await on.sample.get('/count/peek', ...lines)).toMatchObject({ status: 200, body: 'counter=0', cookies: [] });
    await on.expectUnharmed();
  });

  it.each(found)('%s is the session', async (_title, headers) => {
    const response = await on.sample.get('/count/peek', ...headers(on.token, on.sample));
    expect(response).toMatchObject({ status: 200, body: 'counter=1' });
    for (const line of idCookies(response)) expect(line).toContain(`sid=${on.sample.identityIn(on.token)}`);
  });

  it.each(refusedByNode)('%s is refused by Node with %i', async (_title, status, headers) => {
    expect(await on.sample.get('/count/peek', ...headers(on.token, on.sample))).toMatchObject({ status, cookies: [] });
    await on.expectUnharmed();
  });

  it('B6 an id that nobody has is never adopted', async () => {
    const id = generateSessionId();
    const planted = on.sample.tokenFor(id, each.pattern === 'sticky' ? 's1' : undefined);
    expect(await on.peek(planted)).toMatchObject({ status: 200, body: 'counter=0', cookies: [REMOVED] });
    const started = await on.sample.get('/count', on.cookie(planted));
    expect(started.body).toBe('counter=1');
    expect(tokenOf(started)).not.toContain(id.slice(0, 22));
    expect((await on.peek(planted)).body).toBe('counter=0');
  });

  it('B6 an id that belongs to another server, which has a store of its own, is left alone', async () => {
    const isShared = each.pattern !== 'none' && each.pattern !== 'sticky';
    const { body, cookies } = await on.peek(on.sample.tokenFor(generateSessionId(), 's7'));
    expect([body, cookies]).toEqual(['counter=0', isShared ? [REMOVED] : []]);
  });

  it('B9 A2 beside the id of another session that lives, nobody knows which one is meant', async () => {
    const both = `${on.cookie()}; sid=${await on.sample.newToken()}`;
    expect(await on.sample.get('/count/peek', both)).toMatchObject({ status: 200, body: 'counter=0', cookies: [] });
    await on.expectUnharmed();
  });

  it.each(addresses)('B15 the id as %s is not read', async (_title, address) => {
    const { status, body, cookies } = await on.sample.get(address(on.token));
    expect([200, 404]).toContain(status);
    expect(body).not.toBe('counter=1');
    expect(cookies).toEqual([]);
  });

  it('B16 of an id in the address and a cookie, the cookie counts', async () => {
    const other = await on.sample.newToken();
    await on.sample.get('/count', on.cookie());
    expect((await on.sample.get(`/count/peek?sid=${other}`, on.cookie())).body).toBe('counter=2');
  });

  it.each([
    ['a logout', () => on.sample.send('POST', '/logout', on.cookie())],
    ['its end', () => on.sample.send('DELETE', '/session', on.cookie())],
  ])('B18 A3 after %s, the id is worth nothing and is removed', async (_title, end) => {
    expect(await end()).toMatchObject({ status: 204 });
    const again = await on.peek();
    expect(again).toMatchObject({ status: 200, body: 'counter=0' });
    expect(idCookies(again)).toEqual([REMOVED]);
  });

  it('B18 after a login, the former id opens nothing, and no cookie takes the place of the new one', async () => {
    const login = await on.sample.post('/login', { user: 'ann' }, on.cookie());
    expect(login.status).toBe(201);
    for (const former of [on.token, on.sample.identityIn(on.token)]) {
      expect(await on.peek(former)).toMatchObject({ status: 200, body: 'counter=0', cookies: [] });
      expect(await on.sample.get('/count', on.cookie(former))).toMatchObject({ status: 409, cookies: [] });
    }
    const again = await on.sample.post('/login', { user: 'bob' }, on.cookie());
    expect(again.status).toBe(201);
    const principal = async (value: string) =>
      JSON.parse((await on.sample.get('/session', on.cookie(value))).body) as unknown;
    expect(await principal(tokenOf(login))).toMatchObject({ principal: 'ann' });
    expect(await principal(tokenOf(again))).toMatchObject({ principal: 'bob' });
  });

  it('B18 after its expiry, the id is worth nothing', async () => {
    const now = Date.now() + ONE_DAY_MS;
    if (on.sample.redis) {
      const key = await on.sample.redisKey(on.token);
      await on.sample.redis.pexpire(key, 1);
      await eventually('the session has expired', async () => (await on.sample.redis?.exists(key)) === 0);
    } else {
      jest.spyOn(Date, 'now').mockReturnValue(now);
    }
    try {
      expect((await on.peek()).body).toBe('counter=0');
      expect((await on.sample.get('/count', on.cookie())).body).toBe('counter=1');
    } finally {
      jest.restoreAllMocks();
    }
  });

  it('B19 B43 a session that ends while a request runs does not come back', async () => {
    on.sample.beforeNextSave(async () => void (await on.sample.store.destroy(on.sample.accessOf(on.token))));
    const refusal = await on.sample.get('/count', on.cookie());
    expect(refusal.status).toBe(409);
    expect(idCookies(refusal)).toEqual([]);
    expect((await on.peek()).body).toBe('counter=0');
  });

  it('B20 the id of a session of another application is none', async () => {
    const other = await anotherApplication();
    expect((await on.peek(other)).body).toBe('counter=0');
    expect((await on.sample.get('/count', on.cookie(other))).body).toBe('counter=1');
  });

  it('B21 each of a hundred first requests at once begins one session at most', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => on.sample.get('/count')));
    const started = answers.filter(({ status }) => status === 200);
    expect(new Set(answers.map(({ status }) => status)).size).toBe(1);
    expect(new Set(started.map((answer) => tokenOf(answer))).size).toBe(started.length);
    expect(started.every(({ body, cookies }) => body === 'counter=1' && cookies.length > 0)).toBe(true);
  });

  it('B22 very many random ids open nothing, and change nothing for those that exist', async () => {
    const ids = Array.from({ length: 200 }, () => on.sample.tokenFor(generateSessionId()));
    const answers = await Promise.all(ids.map((id) => on.peek(id)));
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(['counter=0']));
    await on.expectUnharmed();
    expect(new Set((await Promise.all(ids.slice(0, 20).map((id) => on.sample.record(id)))).values())).toEqual(
      new Set([undefined]),
    );
  });

  it('B23 a logout without a session, and two at once, succeed and create nothing', async () => {
    expect(await on.sample.send('POST', '/logout')).toMatchObject({ status: 204, cookies: [] });
    const both = await Promise.all([1, 2].map(() => on.sample.send('POST', '/logout', on.cookie())));
    expect(both.map(({ status }) => status)).toEqual([204, 204]);
    expect(both.flatMap(idCookies).filter((line) => line !== REMOVED)).toEqual([]);
    expect(await on.sample.record(on.token)).toBeUndefined();
  });

  it('B24 A1 two logins at once with one id both succeed, with a session for each', async () => {
    const logins = await Promise.all(['ann', 'bob'].map((user) => on.sample.post('/login', { user }, on.cookie())));
    expect(logins.map(({ status }) => status)).toEqual([201, 201]);
    const [ann = '', bob = ''] = logins.map((login) => tokenOf(login));
    const names = await Promise.all([ann, bob].map((value) => on.sample.get('/session', on.cookie(value))));
    expect(names.map(({ body }) => (JSON.parse(body) as { principal: unknown }).principal)).toEqual(['ann', 'bob']);
    expect(await on.peek()).toMatchObject({ body: 'counter=0', cookies: [] });
  });

  it.each(shapes)('%s is answered and starts nothing', async (_title, statuses, bytes) => {
    const { status, cookies } = await on.sample.raw(bytes);
    expect(statuses).toContain(status);
    expect(cookies).toEqual([]);
  });

  it('B26 a body that is too large is refused and starts nothing', async () => {
    // Express reads it to the end before it answers. Fastify answers at once, and closes the connection over the rest.
    const body = each.adapter === 'express' ? `{"user":"${'x'.repeat(200_000)}"}` : '';
    const request = jsonRequest('/login', body, body.length || 2_000_000);
    expect(await on.sample.raw(request)).toMatchObject({ status: 413, cookies: [] });
  });

  it('B25 HEAD starts a session like GET, and the client is given its id', async () => {
    const head = await on.sample.send('HEAD', '/count');
    expect(head).toMatchObject({ status: 200, body: '' });
    expect((await on.peek(tokenOf(head))).body).toBe('counter=1');
  });

  it('B25 a request that waits for 100-continue is told to go on', async () => {
    const client = await RawClient.open(on.sample.url);
    const body = '{"user":"ann"}';
    const head = ['POST /login HTTP/1.1', 'Host: h', 'Connection: close', 'Content-Type: application/json'];
    client.socket.write(`${[...head, 'Expect: 100-continue', `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n`);
    await client.until((received) => received.includes('100 Continue'));
    client.socket.write(body);
    expect(await client.until((received) => received.endsWith('}'))).toContain('HTTP/1.1 201');
    client.destroy();
  });

  it('B25 pipelined on one connection, requests of several clients are not mixed up', async () => {
    const others = [await on.sample.newToken(), await on.sample.newToken()];
    await on.sample.get('/count', on.cookie(others[1]));
    const client = await RawClient.open(on.sample.url);
    const lines = [on.token, ...others].map((value) => `GET /count HTTP/1.1\r\nHost: h\r\n${on.cookie(value)}\r\n\r\n`);
    client.socket.write(lines.join(''));
    const received = await client.until((text) => (text.match(/counter=\d/g) ?? []).length === 3);
    client.destroy();
    expect(received.match(/counter=\d/g)).toEqual(['counter=2', 'counter=2', 'counter=3']);
  });

  it.each(forwarding)('B27 %s has no influence', async (header) => {
    const { cookies } = await on.sample.get('/count', header);
    expect(cookies[0]).toMatch(/^sid=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  async function anotherApplication(): Promise<string> {
    const url = on.sample.redisUrl;
    if (url === undefined) return on.sample.tokenFor(generateSessionId());
    const store = await readyRedisStore({ url, prefix: 'another:' });
    const id = generateSessionId();
    const { outcome } = await WatchedRedisStore.create(store, on.sample.accessOf(id));
    expect(outcome).toBe('saved');
    await store.close();
    return on.sample.tokenFor(id);
  }
});
