import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BalancedClient } from '../support/balanced-client.js';
import type { Balancer } from '../support/balancer.js';
import { balancers } from '../support/balancers.js';
import { EchoServer } from '../support/echo-server.js';
import { eventually } from '../support/eventually.js';
import { Haproxy } from '../support/haproxy.js';
import { Nginx } from '../support/nginx.js';
import { RawClient } from '../support/raw-client.js';

const ID = 'A-_'.repeat(14) + 'A';
const ALL = ['s1', 's2', 's3'];
const kinds = balancers.flatMap(({ balancer, start }) => [
  { balancer, start, pairs: 'primary-backup' },
  ...(balancer === 'HAProxy' ? [{ balancer, start, pairs: 'primary-backup-exact' }] : []),
]);

let servers: EchoServer[];
let balancer: Balancer | undefined;
const startServers = async (): Promise<void> => {
  servers = await Promise.all(ALL.map((name) => EchoServer.start(name)));
};
const stopAll = async (): Promise<void> => {
  await balancer?.stop();
  balancer = undefined;
  await Promise.all(servers.map((server) => server.stop()));
};

const addresses = (): Record<string, string> => Object.fromEntries(servers.map((one) => [one.name, one.address]));
const server = (name: string): EchoServer => servers.find((one) => one.name === name) as EchoServer;
const received = (line: string): string[] =>
  servers.flatMap((one) => one.received.filter((request) => request.line === line).map(() => one.name));

/** The name of the server that answers a request with these cookies, or a status. */
async function answering(cookie: string, method = 'GET'): Promise<string> {
  const { status, body } = await RawClient.exchange(balancer?.url ?? '', '/', [`Cookie: ${cookie}`], method);
  return status === 200 ? body : `${status}`;
}

/** The names of all servers that answer one of many requests with these cookies. */
async function allAnswering(cookie: string, requests = 12): Promise<string[]> {
  const names = new Set<string>();
  for (let i = 0; i < requests; i++) names.add(await answering(cookie));
  return [...names].toSorted();
}

describe.each(balancers)('$balancer, sticky-route, with a cookie that names no server,', ({ start }) => {
  beforeAll(async () => {
    await startServers();
    balancer = await start('sticky-route', addresses());
  });
  afterAll(stopAll);

  it.each([
    ['no session', `csid=${ID}.s1; sid2=${ID}.s1; x=sid=${ID}.s1`],
    ['no route', `sid=${ID}`],
    ['an empty route', `sid=${ID}.`],
    ['no route but another field', `sid=${ID}.-.s1`],
    ['an unknown route', `sid=${ID}.s4`],
    ['a longer name', `sid=${ID}.s11`],
    ['a route of 33 characters', `sid=${ID}.${'s'.repeat(33)}`],
    ['a route of 8,000 characters', `sid=${ID}.${'s'.repeat(8_000)}`],
    ['a route with other characters', `sid=${ID}.s1ü`],
    ['a path as route', `sid=${ID}./../s1`],
    ['a space before the route', `sid=${ID}. s1`],
    ['quotes', `sid="${ID}.s1"`],
    ['a backend as route', `sid=${ID}.servers`],
    ['a variable as route', `sid=${ID}.$upstream_addr`],
    ['a format as route', `sid=${ID}.%[src]`],
  ])('balances requests normally: %s', async (_, cookie) => {
    expect(await allAnswering(Buffer.from(cookie).toString('latin1'))).toEqual(ALL);
  });

  it.each([
    `sid="${ID}.s1; sid=x`,
    `sid=${ID}.s1.s1`,
    `sid=${ID}.s1; sid=${ID}.s2`,
    'sid=.s1',
    'sid=..s1',
    'sid',
    'sid=',
  ])('answers the request: %s', async (cookie) => {
    for (let i = 0; i < 6; i++) expect(ALL).toContain(await answering(cookie));
  });
});

describe.each(balancers)('$balancer', ({ start }) => {
  beforeEach(startServers);
  afterEach(stopAll);

  it('sends requests to all servers that are up', async () => {
    balancer = await start('round-robin', addresses());
    expect(await allAnswering('a=1')).toEqual(ALL);
    await server('s2').stop();
    expect(await allAnswering('a=1')).toEqual(['s1', 's3']);
    await server('s2').listen();
    await eventually('s2 gets requests again', async () => (await answering('a=1')) === 's2');
  });

  it('never repeats a POST that a server may have carried out', async () => {
    balancer = await start('round-robin', addresses());
    for (const one of servers) one.behaviour = 'closes the connection';
    expect(['502', '0']).toContain(await answering('a=1', 'POST'));
    expect(received('POST /')).toHaveLength(1);
  });

  it('repeats a GET whose connection ended', async () => {
    balancer = await start('round-robin', addresses());
    server('s1').behaviour = 'closes the connection';
    server('s2').behaviour = 'closes the connection';
    for (let i = 0; i < 3; i++) expect(await answering('a=1')).toBe('s3');
    const failed = received('GET /').filter((one) => one !== 's3').length;
    expect(failed).toBeGreaterThan(0);
    await eventually('the log tells how often', async () => {
      const passed = ((await balancer?.passedOn()) ?? []).filter(({ path }) => path === '/');
      return passed.reduce((sum, { retries }) => sum + retries, 0) === failed;
    });
  });

  it('sends a POST to another server if no server has received it', async () => {
    balancer = await start('sticky-route', addresses());
    await server('s1').stop();
    expect(['s2', 's3']).toContain(await answering(`sid=${ID}.s1`, 'POST'));
    expect(received('POST /')).toHaveLength(1);
  });

  it('passes on a refusal, and asks no other server', async () => {
    balancer = await start('round-robin', addresses());
    for (const one of servers) one.behaviour = 'says 503';
    expect(await answering('a=1')).toBe('503');
    expect(received('GET /')).toHaveLength(1);
  });

  it('keeps connections, and closes idle ones before Node does', async () => {
    balancer = await start('sticky-route', addresses());
    const cookie = [`Cookie: sid=${ID}.s1`];
    // One client stays connected, and another one has left.
    const listening = await RawClient.open(balancer.url);
    for (let i = 0; i < 4; i++) {
      listening.request('/', cookie);
      await listening.response();
    }
    await RawClient.exchange(balancer.url, '/', cookie);
    const endings = await eventually('all connections are closed', () => {
      const { ended } = server('s1');
      return ended.reduce((sum, { requests }) => sum + requests, 0) >= 5 && ended;
    });
    listening.destroy();
    expect(endings.map(({ closedFirstBy }) => closedFirstBy)).toEqual(endings.map(() => 'balancer'));
    expect(endings.length).toBeLessThanOrEqual(3);
  });

  it('tells servers the real address and protocol of clients, not their claims', async () => {
    balancer = await start('round-robin', addresses());
    await RawClient.exchange(balancer.url, '/', ['X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Proto: https']);
    const [request] = servers.flatMap((one) => one.received.filter(({ line }) => line === 'GET /'));
    expect(request?.headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
  });

  it.each(['round-robin', 'sticky-route', 'sticky-cookie', 'primary-backup'])(
    'with %s, passes on no request for operators, however it is spelled',
    async (kind) => {
      balancer = await start(kind, addresses());
      const ask = async (path: string): Promise<number> =>
        (await RawClient.exchange(balancer?.url ?? '', path, [`Cookie: sid=${ID}.s1.s2`])).status;
      const spelled = ['/metrics', '/metrics/', '/METRICS?x=1', '/%6detrics', '//metrics', '/metrics/session'];
      for (const path of [...spelled, '/doctor', '/Doctor/', '//%64octor?x']) {
        expect([path, await ask(path)]).toEqual([path, 404]);
      }
      const lines = servers.flatMap(({ received: requests }) => requests.map(({ line }) => line));
      // With which the test has waited for the balancer.
      expect(lines.filter((line) => line !== 'GET /ping')).toEqual([]);
      for (const path of ['/metrics-of-mine', '/my/metrics', '/doctors'])
        expect([path, await ask(path)]).toEqual([path, 200]);
    },
  );

  it('with sticky-route, goes to the server that the cookie names after the id', async () => {
    balancer = await start('sticky-route', addresses());
    for (const route of ALL) {
      expect(await allAnswering(`sid=${ID}.${route}`, 4)).toEqual([route]);
      expect(await allAnswering(`a=b.c; sid=${ID}${ID.slice(21)}.${route}.f-_9; d`, 4)).toEqual([route]);
      expect(await allAnswering(`__Host-sid=${ID}.${route}; sid=${ID}.s1`, 4)).toEqual([route]);
      expect(await allAnswering(`sid=${ID}.s1; __Host-sid=${ID}.${route}`, 4)).toEqual([route]);
    }
  });

  it('with sticky-route, uses another server while the named one is down', async () => {
    balancer = await start('sticky-route', addresses());
    expect(await allAnswering(`sid=${ID}.s2`, 4)).toEqual(['s2']);
    await server('s2').stop();
    expect(['s1', 's3']).toEqual(expect.arrayContaining(await allAnswering(`sid=${ID}.s2`)));
    await server('s2').listen();
    await eventually('s2 serves its client', async () => (await answering(`sid=${ID}.s2`)) === 's2');
    expect(await allAnswering(`sid=${ID}.s2`, 4)).toEqual(['s2']);
  });

  it('with sticky-cookie, keeps a client on one server, and moves it to another when that is down', async () => {
    balancer = await start('sticky-cookie', addresses());
    const homes = new Set<string>();
    for (let i = 0; i < 30; i++) {
      const client = new BalancedClient(balancer.url);
      const { text: home, setCookie } = await client.get('/');
      homes.add(home);
      expect(setCookie).toEqual([expect.stringMatching(/^BALANCER=\w+; .*HttpOnly/i)]);
      for (let j = 0; j < 3; j++) expect(await client.get('/')).toMatchObject({ text: home, setCookie: [] });
      client.close();
    }
    expect([...homes].toSorted()).toEqual(ALL);

    const client = new BalancedClient(balancer.url);
    const { text: home } = await client.get('/');
    await server(home).stop();
    const { text: next } = await client.get('/');
    expect(next).not.toBe(home);
    for (let j = 0; j < 6; j++) expect((await client.get('/')).text).toBe(next);
    client.close();
  });
});

describe.each(kinds)('$balancer, $pairs, with odd names after the id,', ({ start, pairs }) => {
  beforeAll(async () => {
    await startServers();
    balancer = await start(pairs, addresses());
  });
  afterAll(stopAll);

  it.each(['', '.', '.zz', '.zz.zz.1.m', '.s1.zz', '.s1.s1', '..s2', '.s1..s2', '.-.-.1.m', '."s1".s2', '.s1.s2.s3'])(
    'answers the request: %j',
    async (names) => {
      for (let i = 0; i < 6; i++) expect(ALL).toContain(await answering(`sid=${ID}${names}`));
    },
  );
});

describe.each(kinds)('$balancer, $pairs', ({ start, pairs }) => {
  beforeEach(async () => {
    await startServers();
    balancer = await start(pairs, addresses());
  });
  afterEach(stopAll);

  it('goes to the primary, else to the backup, else to any other, and back when the primary is up', async () => {
    for (const [primary, backup] of ALL.flatMap((one) => ALL.filter((two) => two !== one).map((two) => [one, two]))) {
      expect(await allAnswering(`sid=${ID}.${primary}.${backup}.1.mac-_`, 3)).toEqual([primary]);
      expect(await allAnswering(`sid=x; __Host-sid=${ID}.${primary}.${backup}.1.mac-_`, 3)).toEqual([primary]);
    }
    await server('s1').stop();
    // Wait until the check has failed: the moment of detection is the subject of another test.
    if (balancer instanceof Haproxy) await eventuallyState(balancer, 's1', 'DOWN');
    expect(await allAnswering(`sid=${ID}.s1.s2.1.mac`, 6)).toEqual(['s2']);
    expect(await allAnswering(`sid=${ID}.s1.s3.1.mac`, 6)).toEqual(['s3']);
    await server('s2').stop();
    expect(await allAnswering(`sid=${ID}.s1.s2.1.mac`, 6)).toEqual(['s3']);
    expect(await answering(`sid=${ID}.s1.s2.1.mac`, 'POST')).toBe('s3');
    await server('s1').listen();
    await eventually('s1 serves', async () => (await answering(`sid=${ID}.s1.s2.1.mac`)) === 's1');
  });

  it('sends a session without a backup to its primary', async () => {
    for (const primary of ALL) expect(await allAnswering(`sid=${ID}.${primary}.-.1.mac`, 6)).toEqual([primary]);
    await server('s3').stop();
    expect(['s1', 's2']).toEqual(expect.arrayContaining(await allAnswering(`sid=${ID}.s3.-.1.mac`, 6)));
  });

  it('never repeats a POST that a server may have carried out', async () => {
    for (const one of servers) one.behaviour = 'closes the connection';
    const answers = await Promise.all([1, 2, 3].map(() => answering(`sid=${ID}.s1.s2.1.mac`, 'POST')));
    expect(['502', '0']).toEqual(expect.arrayContaining(answers));
    expect(received('POST /')).toHaveLength(3);
  });
});

describe('between a crash and its detection,', () => {
  beforeEach(startServers);
  afterEach(stopAll);

  it.each([
    ['HAProxy, primary-backup-exact', () => Haproxy.start('primary-backup-exact', addresses())],
    ['nginx, primary-backup', () => Nginx.start('primary-backup', addresses())],
  ])('%s sends the requests of the primary only to its backup', async (_, start) => {
    balancer = await start();
    expect(await answering(`sid=${ID}.s1.s2.1.mac`)).toBe('s1');
    await server('s1').stop();
    const answers = await Promise.all(Array.from({ length: 30 }, () => answering(`sid=${ID}.s1.s2.1.mac`)));
    expect(new Set(answers)).toEqual(new Set(['s2']));
  });
});

function eventuallyState(haproxy: Haproxy, name: string, state: string): Promise<unknown> {
  return eventually(`${name} is ${state}`, async () => (await haproxy.stateOf(name)) === state);
}
