import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { createApplication } from '../../src/create-application.js';
import { readConfig } from '../../src/sample.config.js';
import { CookieJar } from '../support/cookie-jar.js';
import { adapters } from '../support/platforms.js';

describe.each(adapters)('the sample application, $adapter', ({ adapter }) => {
  let app: INestApplication;
  let url: string;
  let jar: CookieJar;
  beforeEach(async () => {
    app = await createApplication(readConfig({ HTTP_ADAPTER: adapter, NODE_NAME: 's1' }));
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    jar = new CookieJar();
  });
  afterEach(() => app.close());

  const json = async (path: string, init?: RequestInit) => {
    const response = await jar.fetch(`${url}${path}`, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('counts per client, at /count and at /count/count', async () => {
    expect(await jar.text(`${url}/count`)).toBe('counter=1');
    expect(await jar.text(`${url}/count/count`)).toBe('counter=2');
    expect(await jar.text(`${url}/count/peek`)).toBe('counter=2');
    expect(await new CookieJar().text(`${url}/count`)).toBe('counter=1');
  });

  it('writes its route behind the id', async () => {
    const response = await fetch(`${url}/count`);
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^sid=[\w-]{43}\.s1; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
  });

  it.each(['/count/peek', '/ping', '/session', '/cart', '/health', '/nowhere'])(
    'creates no session for GET %s',
    async (path) => {
      const response = await fetch(`${url}${path}`);
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(response.status).toBe(['/session', '/nowhere'].includes(path) ? 404 : 200);
    },
  );

  it('tells what the session knows of itself', async () => {
    await jar.text(`${url}/count`);
    const { status, body } = await json('/session');
    expect(status).toBe(200);
    const time: unknown = expect.any(Number);
    expect(body).toEqual({
      isNew: false,
      createdAt: time,
      lastAccessedAt: time,
      expiresAt: time,
      principal: null,
      node: 's1',
      beans: ['counter'],
    });
  });

  it('ends the session on demand', async () => {
    await jar.text(`${url}/count`);
    expect((await jar.fetch(`${url}/session`, { method: 'DELETE' })).status).toBe(204);
    expect((await json('/session')).status).toBe(404);
    expect(await jar.text(`${url}/count`)).toBe('counter=1');
  });

  it('keeps a cart with instances, a Date and a Map', async () => {
    const item = { sku: 'tea', quantity: 2, price: 350 };
    const headers = { 'content-type': 'application/json' };
    for (let i = 0; i < 2; i++) await json('/cart/items', { method: 'POST', headers, body: JSON.stringify(item) });
    const line = { ...item, total: 700 };
    const { body } = await json('/cart');
    expect(body).toEqual({
      items: [line, line],
      total: 1400,
      additions: { tea: 2 },
      changedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect((await json('/cart/items/tea', { method: 'DELETE' })).body).toMatchObject({
      items: [],
      total: 0,
      additions: { tea: 2 },
    });
    expect((await json('/cart/items/tea', { method: 'DELETE' })).status).toBe(404);
    expect((await json('/cart/items', { method: 'POST', headers, body: '{"sku":"tea"}' })).status).toBe(400);
  });
});

describe('the configuration of the sample', () => {
  it.each([
    [{ HTTP_ADAPTER: 'koa' }, 'HTTP_ADAPTER=koa'],
    [{ SESSION_PATTERN: 'shared' }, 'SESSION_PATTERN=shared'],
    [{ SESSION_PATTERN: 'replicated' }, 'NODE_NAME is missing'],
    [{ SESSION_PATTERN: 'replicated', NODE_NAME: 's1' }, 'PEERS is missing'],
    [{ SESSION_PATTERN: 'replicated', NODE_NAME: 's1', PEERS: 's1:7001' }, 'PEERS: s1:7001 is no member'],
    [
      { SESSION_PATTERN: 'replicated', NODE_NAME: 's1', PEERS: 's1=h:1', REPLICATION_TLS_CA: '/ca.pem' },
      'REPLICATION_TLS_CERT is missing',
    ],
    [
      {
        SESSION_PATTERN: 'replicated',
        NODE_NAME: 's1',
        PEERS: 's1=h:1',
        REPLICATION_TLS_CA: '/nowhere/ca.pem',
        REPLICATION_TLS_CERT: '/nowhere/s1.pem',
        REPLICATION_TLS_KEY: '/nowhere/s1.key',
      },
      'REPLICATION_TLS_CA=/nowhere/ca.pem cannot be read',
    ],
    [{ SESSION_PATTERN: 'cached' }, 'REDIS_URL is missing'],
    [{ SESSION_PATTERN: 'cached', REDIS_URL: 'redis://h', NEAR_CACHE: 'on' }, 'NEAR_CACHE=on'],
    [{ SESSION_PATTERN: 'external' }, 'REDIS_URL is missing'],
    [{ PORT: 'http' }, 'PORT=http'],
    [{ IDLE_TIMEOUT_MS: '-1' }, 'IDLE_TIMEOUT_MS=-1'],
  ])('refuses %j, naming variable and value', (env, text) => {
    expect(() => readConfig(env)).toThrow(text);
  });

  it.each([
    [{ NODE_NAME: 'server one' }, 'nodeName'],
    [{ SESSION_SECRETS: 'short' }, 'signingKeys'],
    [{ IDLE_TIMEOUT_MS: '0' }, 'idleTimeoutMs = 0'],
  ])('does not start with %j', async (env, text) => {
    await expect(createApplication(readConfig(env))).rejects.toThrow(text);
  });
});
