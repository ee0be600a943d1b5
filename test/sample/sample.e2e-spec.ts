import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import type { SessionPage } from 'nestjs-session-beans';
import { createApplication } from '../../src/create-application.js';
import { readConfig } from '../../src/sample.config.js';
import { Client, setCookies } from '../support/client.js';
import { freePort } from '../support/free-port.js';
import { nestIsAtLeast } from '../support/nest-release.js';
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

  it.each(['/count/peek', '/ping', '/session', '/cart', '/health', '/doctor', '/nowhere'])(
    'R6 creates no session for GET %s',
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

  it('tells operators which settings are risky', async () => {
    const { body } = await client.get('/doctor');
    expect(body).toEqual({ store: 'memory', risks: [] });
  });

  it('ends the session on demand', async () => {
    await client.text('/count');
    expect((await client.delete('/session')).status).toBe(204);
    expect((await client.get('/session')).status).toBe(404);
    expect(await client.text('/count')).toBe('counter=1');
  });

  it('logs a user in, under a new id, with the cart of before', async () => {
    await client.post('/cart/items', { sku: 'tea', quantity: 1, price: 350 });
    const { cookie } = client;
    const login = await client.post('/login', { user: 'ann' });
    expect([login.status, login.body, setCookies(login).length]).toEqual([201, { principal: 'ann' }, 1]);
    expect(client.cookie).not.toBe(cookie);
    expect((await client.get('/session')).body).toMatchObject({ principal: 'ann' });
    expect((await client.get('/cart')).body).toMatchObject({ total: 350 });
  });

  it.each([undefined, {}, { user: '' }, { user: 5 }, { user: 'x'.repeat(101) }, ['ann']])(
    'does not log in %j',
    async (body) => {
      const login = await client.post('/login', body);
      expect([login.status, setCookies(login)]).toEqual([400, []]);
    },
  );

  it('logs a user out: the session is over', async () => {
    await client.post('/login', { user: 'ann' });
    const former = client.copy();
    expect((await client.post('/logout')).status).toBe(204);
    expect((await former.get('/session')).status).toBe(404);
  });

  it('logs out where nobody is logged in', async () => {
    expect((await client.post('/logout')).status).toBe(204);
  });

  it('shows a user their sessions, and ends one of them', async () => {
    const phone = new Client(app);
    phone.agent.set('User-Agent', 'a phone');
    await phone.post('/login', { user: 'ann' });
    await client.post('/login', { user: 'ann' });
    const { body } = (await phone.get('/me/sessions')) as { body: SessionPage };
    const own = body.sessions.find(({ current }) => current);
    const other = body.sessions.find(({ current }) => !current);
    expect([body.sessions.length, own?.labels]).toEqual([2, { device: 'a phone' }]);
    expect((await phone.delete(`/me/sessions/${other?.handle}`)).status).toBe(204);
    expect((await client.get('/session')).status).toBe(404);
    expect((await phone.delete(`/me/sessions/${other?.handle}`)).status).toBe(404);
  });

  it("ends no session of other people, and shows nobody's to a stranger", async () => {
    await client.post('/login', { user: 'ann' });
    const bob = new Client(app);
    await bob.post('/login', { user: 'bob' });
    const { body } = (await client.get('/me/sessions')) as { body: SessionPage };
    for (const handle of [body.sessions[0]?.handle, 'x', 'sh1_'])
      expect((await bob.delete(`/me/sessions/${handle}`)).status).toBe(404);
    expect((await client.get('/session')).body).toMatchObject({ principal: 'ann' });
    const stranger = new Client(app);
    expect((await stranger.get('/me/sessions')).status).toBe(401);
    expect((await stranger.delete(`/me/sessions/${body.sessions[0]?.handle}`)).status).toBe(401);
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

describe('two servers of the sample that replicate their sessions', () => {
  it('show a user all their sessions, and end one on the other server', async () => {
    const ports = [await freePort(), await freePort()];
    const PEERS = ports.map((port, i) => `s${i + 1}=127.0.0.1:${port}`).join(',');
    const booting = ['s1', 's2'].map(async (NODE_NAME) => {
      const app = await createApplication(readConfig({ SESSION_PATTERN: 'replicated', NODE_NAME, PEERS }));
      await app.listen(0, '127.0.0.1');
      return app;
    });
    const apps = (await Promise.all(booting)) as [INestApplication, INestApplication];
    const [phone, laptop] = apps.map((app) => new Client(app)) as [Client, Client];
    phone.agent.set('User-Agent', 'a phone');
    try {
      for (const client of [phone, laptop]) expect((await client.post('/login', { user: 'ann' })).status).toBe(201);
      const { body, status } = (await laptop.get('/me/sessions')) as { body: SessionPage; status: number };
      expect([status, body.sessions.length]).toEqual([200, 2]);
      const other = body.sessions.find(({ current }) => !current);
      expect(other?.labels).toEqual({ device: 'a phone' });
      expect((await laptop.delete(`/me/sessions/${other?.handle}`)).status).toBe(204);
      expect((await phone.get('/session')).status).toBe(404);
      expect(((await laptop.get('/me/sessions')).body as SessionPage).sessions).toHaveLength(1);
    } finally {
      for (const app of apps) await app.close();
    }
  });
});

describe.each(adapters)('the sample application behind a proxy that ends TLS, $adapter', ({ adapter }) => {
  it.each([
    [undefined, 'sid'],
    ['off', 'sid'],
    // Fastify 5.2, which Nest 11.0 brings, takes the protocol from every proxy as soon as it trusts one.
    ['10.0.0.0/8, 192.0.2.7', adapter === 'express' || nestIsAtLeast('11.1.18') ? 'sid' : '__Host-sid'],
    ['loopback', '__Host-sid'],
    ['10.0.0.0/8, 127.0.0.0/8', '__Host-sid'],
    ['on', '__Host-sid'],
  ])('with TRUST_PROXY %s gives its cookie the name %s', async (trusted, name) => {
    const app = await createApplication(readConfig({ HTTP_ADAPTER: adapter, TRUST_PROXY: trusted }));
    await app.listen(0, '127.0.0.1');
    const response = await new Client(app).get('/count', { 'X-Forwarded-Proto': 'https' });
    await app.close();
    const [cookie = ''] = setCookies(response);
    expect(cookie.split('=')[0]).toBe(name);
    expect(cookie.includes('; Secure')).toBe(name === '__Host-sid');
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
    [
      { SESSION_PATTERN: 'external', SESSION_STORE: 'memory' },
      'SESSION_STORE: allowed are redis, sqlite:FILE, postgres://',
    ],
    [{ SESSION_STORE: 'redis' }, 'SESSION_STORE: allowed are memory, sqlite:FILE, postgres://'],
    [{ SESSION_STORE: 'sqlite:' }, 'SESSION_STORE: allowed are memory, sqlite:FILE, postgres://'],
    [{ PORT: 'http' }, 'PORT=http'],
    [{ TRUST_PROXY: 'balancer' }, 'TRUST_PROXY=balancer must be on, off, or addresses'],
    [{ TRUST_PROXY: '1' }, 'TRUST_PROXY=1'],
    [{ TRUST_PROXY: '10.0.0.0/33' }, 'TRUST_PROXY=10.0.0.0/33'],
    [{ TRUST_PROXY: 'loopback,' }, 'TRUST_PROXY=loopback,'],
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
