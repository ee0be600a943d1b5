import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { createApplication } from '../../src/create-application.js';
import { readConfig } from '../../src/sample.config.js';
import { Client, setCookies } from '../support/client.js';
import { adapters } from '../support/platforms.js';

describe.each(adapters)('the sample application, $adapter', ({ adapter }) => {
  let app: INestApplication;
  let client: Client;
  beforeEach(async () => {
    app = await createApplication(readConfig({ HTTP_ADAPTER: adapter, NODE_NAME: 's1' }));
    await app.listen(0, '127.0.0.1');
    client = new Client(app);
  });
  afterEach(() => app.close());

  it('counts per client, at /count and at /count/count', async () => {
    expect(await client.text('/count')).toBe('counter=1');
    expect(await client.text('/count/count')).toBe('counter=2');
    expect(await client.text('/count/peek')).toBe('counter=2');
    expect(await new Client(app).text('/count')).toBe('counter=1');
  });

  it('writes its route behind the id', async () => {
    const response = await client.get('/count');
    expect(setCookies(response)).toEqual([
      expect.stringMatching(/^sid=[\w-]{65}\.s1; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
  });

  it.each(['/count/peek', '/ping', '/session', '/cart', '/health', '/nowhere'])(
    'creates no session for GET %s',
    async (path) => {
      const response = await client.get(path);
      expect(setCookies(response)).toEqual([]);
      expect(response.status).toBe(['/session', '/nowhere'].includes(path) ? 404 : 200);
    },
  );

  it('tells what the session knows of itself', async () => {
    await client.text('/count');
    const { status, body } = await client.get('/session');
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
    await client.text('/count');
    expect((await client.delete('/session')).status).toBe(204);
    expect((await client.get('/session')).status).toBe(404);
    expect(await client.text('/count')).toBe('counter=1');
  });

  it('keeps a cart with instances, a Date and a Map', async () => {
    const item = { sku: 'tea', quantity: 2, price: 350 };
    for (let i = 0; i < 2; i++) await client.post('/cart/items', item);
    const line = { ...item, total: 700 };
    const { body } = await client.get('/cart');
    expect(body).toEqual({
      items: [line, line],
      total: 1400,
      additions: { tea: 2 },
      changedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect((await client.delete('/cart/items/tea')).body).toMatchObject({
      items: [],
      total: 0,
      additions: { tea: 2 },
    });
    expect((await client.delete('/cart/items/tea')).status).toBe(404);
    expect((await client.post('/cart/items', { sku: 'tea' })).status).toBe(400);
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
