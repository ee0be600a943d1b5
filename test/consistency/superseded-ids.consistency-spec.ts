import { describe, expect, it } from '@jest/globals';
import { SessionBusyError, SessionEndedError } from 'nestjs-session-beans';
import { accessOf } from 'nestjs-session-beans/store-kit';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { Account, Cart, CsrfToken } from './login-beans.js';
import { plantedIdentityFaults } from './planted-faults.js';
import { SimulatedCluster, type SimulatedClusterOptions } from './simulated-cluster.js';
import { SimulatedClient, type SimulatedRequest, keepAll, keepTold } from './simulated-server.js';

/** A session of alice that has a new id, and a client that still presents the former one. */
async function setUp(servers = 1, options: Partial<SimulatedClusterOptions> = {}) {
  const clock = new ManualClock();
  const cluster = new SimulatedCluster({ servers, beans: [Cart, CsrfToken, Account], clock, ...options });
  const client = await cluster.server(0).startSession(async (request) => {
    await request.http.login('alice');
    request.bean(Cart).items = 3;
  });
  const former = client.copy();
  await cluster.handle(0, client, (request) => request.renewId());
  return { clock, cluster, client, former };
}

/** Compares what the store has of the session, to the last bit. */
function recordOf(cluster: SimulatedCluster, client: SimulatedClient): unknown {
  return cluster.memory.load(accessOf(client.id as string));
}

describe.each([0, 1])('a request that presents a former id (to server %i)', (server) => {
  it('reads as one without a session, gets no cookie, and changes nothing', async () => {
    const { clock, cluster, client, former } = await setUp(2);
    const before = recordOf(cluster, client);
    clock.advance(90_000);
    const request = await cluster.server(server).request(former).begin();
    expect(request.session.standing).toBe('superseded');
    expect(request.bean(Cart).items).toBe(0);
    const { exists, isNew, handle, principal, createdAt, expiresAt } = request.http;
    expect({ exists, isNew, handle, principal, createdAt, expiresAt }).toEqual({ exists: false, isNew: false });
    expect(request.http.keys()).toEqual([]);
    const { id } = former;
    await request.respond();

    expect([former.id, former.freshness, request.session.removesId]).toEqual([id, undefined, false]);
    expect(recordOf(cluster, client)).toEqual(before);
    expect(cluster.leaked).toBe(0);
  });

  it.each<[string, (request: SimulatedRequest) => unknown]>([
    ['changes a bean', (request) => request.bean(Cart).items++],
    ['sets an attribute', (request) => request.http.set('theme', 'dark')],
    ['calls start()', (request) => request.http.start()],
    ['calls renewId()', (request) => request.http.renewId()],
    ['calls logout()', (request) => request.http.logout()],
    ['calls invalidate()', (request) => request.http.invalidate()],
  ])('is refused when it %s', async (_what, run) => {
    const { cluster, client, former } = await setUp(2);
    const before = recordOf(cluster, client);
    const { id } = former;
    const handled = cluster.handle(server, former, (request) => void run(request));
    await expect(handled).rejects.toBeInstanceOf(SessionEndedError);

    expect(former.id).toBe(id);
    expect(recordOf(cluster, client)).toEqual(before);
    expect(cluster.memory.size).toBe(1);
    expect(cluster.leaked).toBe(0);
  });

  it.each(['alice', 'bob'])('can log in, to a session of its own that is empty (%s)', async (principal) => {
    const { cluster, client, former } = await setUp(2);
    const before = recordOf(cluster, client);
    await cluster.handle(server, former, async (request) => {
      await request.http.login(principal);
      expect(request.http).toMatchObject({ exists: true, isNew: true, principal });
      expect(request.bean(Cart).items).toBe(0);
      request.bean(Account).balance = 1;
    });
    expect(accessOf(former.id as string).key).not.toBe(accessOf(client.id as string).key);
    await cluster.handle(server, former, (request) => {
      expect(request.http.principal).toBe(principal);
      expect([request.bean(Cart).items, request.bean(Account).balance]).toEqual([0, 1]);
    });
    expect(recordOf(cluster, client)).toEqual(before);
    expect(cluster.memory.size).toBe(2);
  });

  it('does not log in if it fails', async () => {
    const { cluster, former } = await setUp(2);
    const { id } = former;
    const request = await cluster.server(server).request(former).begin();
    await request.http.login('bob');
    await request.respond(true);
    expect(former.id).toBe(id);
    expect(cluster.memory.size).toBe(1);
  });
});

describe('a former id', () => {
  it('is like any wrong one when two minutes are over: the client is told to forget it', async () => {
    const { clock, cluster, client, former } = await setUp();
    clock.advance(120_000);
    await cluster.handle(0, client, () => undefined);
    expect(await cluster.handle(0, former, ({ session }) => session.standing)).toBe('none');
    expect(former.id).toBeUndefined();
  });

  it.each([
    ['validating', keepAll],
    ['bounded', keepTold],
  ])('is so too on a server whose %s near cache has kept the session under it', async (_cache, nearCache) => {
    const { clock, cluster, client } = await setUp(2, { nearCache });
    await cluster.handle(0, client, () => undefined);
    const former = client.copy();
    await cluster.handle(1, client, (request) => request.renewId());
    await cluster.handle(0, client, () => undefined);
    clock.advance(120_000);
    expect(await cluster.handle(0, former, ({ session }) => session.standing)).toBe('none');
  });

  it('stays a former one when the session has several new ids since', async () => {
    const { cluster, client, former } = await setUp();
    for (let i = 0; i < 3; i++) await cluster.handle(0, client, (request) => request.renewId());
    expect(await cluster.handle(0, former, ({ session }) => session.standing)).toBe('superseded');
  });
});

describe.each([
  ['the store says so', true],
  ['only this server knows', false],
])('a request that waits for the lock while its session gets a new id, where %s,', (_who, shared) => {
  async function waiting() {
    const { cluster, client } = await setUp(2);
    Object.assign(cluster.store, { shared });
    const holder = await cluster
      .server(shared ? 1 : 0)
      .request(client)
      .begin();
    await holder.lock();
    const former = client.copy();
    const requests = await Promise.all([1, 2].map(() => cluster.server(0).request(former).begin()));
    const [request, next] = requests as [SimulatedRequest, SimulatedRequest];
    const locked = [request, next].map((each) => each.lock());
    for (const each of locked) each.catch(() => undefined);
    holder.renewId();
    holder.bean(Cart).items = 7;
    await holder.respond();
    await locked[0];
    return { cluster, client, former, request, next, locked };
  }

  it('goes on without a session, and starts no other one', async () => {
    const { cluster, client, former, request } = await waiting();
    const { id } = former;
    expect(request.bean(Cart).items).toBe(0);
    request.bean(Cart).items = 9;
    await expect(request.respond()).rejects.toBeInstanceOf(SessionEndedError);
    expect([former.id, cluster.memory.size]).toEqual([id, 1]);
    expect(await cluster.handle(0, client, (later) => later.bean(Cart).items)).toBe(7);
  });

  it.each<[string, (request: SimulatedRequest) => Promise<void>]>([
    ['logout()', (request) => request.http.logout()],
    ['invalidate()', (request) => request.http.invalidate()],
    ['logout() with the session for itself', (request) => request.http.runExclusive(() => request.http.logout())],
  ])('is refused when it calls %s, like one that comes later', async (_what, run) => {
    const { cluster, client, former, request } = await waiting();
    const { id } = former;
    await expect(run(request)).rejects.toBeInstanceOf(SessionEndedError);
    request.end();
    expect([former.id, cluster.memory.size]).toEqual([id, 1]);
    expect(await cluster.handle(0, client, ({ http }) => http.principal)).toBe('alice');
  });

  it('does not keep the lock, which is of no use to it, until it ends', async () => {
    const { cluster, request, next, locked } = await waiting();
    await locked[1];
    expect([next.exists, request.session.phase]).toEqual([false, 'active']);
    for (const each of [request, next]) each.end();
    expect(cluster.leaked).toBe(0);
  });
});

it.each([
  ['a store that servers share', true],
  ['a store of one server', false],
])('the lock of a session stays with the request that gives the session a new id, in %s', async (_store, shared) => {
  const { cluster, client } = await setUp();
  Object.assign(cluster.store, { shared });
  const holder = await cluster.server(0).request(client).begin();
  await holder.lock();
  holder.renewId();
  await holder.commit();
  const request = await cluster.server(0).request(new SimulatedClient(holder.handedOut?.id)).begin();
  await expect(request.lock(1)).rejects.toBeInstanceOf(SessionBusyError);
  const locked = request.lock();
  holder.end();
  await locked;
  expect([request.exists, request.http.principal]).toEqual([true, 'alice']);
  request.end();
  expect(cluster.leaked).toBe(0);
});

it('a request that has the lock under a former id keeps nobody waiting who has the new one', async () => {
  const { cluster, client } = await setUp();
  Object.assign(cluster.store, { shared: false });
  const planter = await cluster.server(0).request(client.copy()).begin();
  await planter.lock();
  await cluster.handle(0, client, (request) => request.http.login('bob'));
  const request = await cluster.server(0).request(client).begin();
  await request.lock(1);
  expect(request.http.principal).toBe('bob');
  request.end();
  planter.end();
  expect(cluster.leaked).toBe(0);
});

describe.each([
  ['no near cache', undefined],
  ['a validating near cache', keepAll],
  ['a bounded near cache', keepTold],
])('a logout that began before the session got a new id (%s)', (_cache, nearCache) => {
  async function logout(
    server: number,
    renew: (request: SimulatedRequest) => void | Promise<void>,
    plant?: SimulatedClusterOptions['plant'],
  ) {
    const { cluster, client } = await setUp(2, { nearCache, plant });
    const leaving = await cluster.server(0).request(client.copy()).begin();
    await cluster.handle(server, client, renew);
    // Both servers know the session under its new id.
    for (const number of [0, 1]) await cluster.handle(number, client, () => undefined);
    await leaving.http.logout();
    await leaving.respond();
    const principals = [0, 1].map((number) => cluster.handle(number, client.copy(), ({ http }) => http.principal));
    return { cluster, principals: await Promise.all(principals) };
  }

  it.each([0, 1])('ends the session, if nobody else has logged in (new id by server %i)', async (server) => {
    const { cluster, principals } = await logout(server, (request) => request.renewId());
    expect(principals).toEqual([undefined, undefined]);
    expect(cluster.memory.size).toBe(0);
  });

  it.each([0, 1])('ends the session also when its principal has logged in again (by server %i)', async (server) => {
    const { cluster, principals } = await logout(server, (request) => request.http.login('alice'));
    expect(principals).toEqual([undefined, undefined]);
    expect(cluster.memory.size).toBe(0);
  });

  it.each([0, 1])('does not end it when another principal has logged in (by server %i)', async (server) => {
    const { cluster, principals } = await logout(server, (request) => request.http.login('bob'));
    expect(principals).toEqual(['bob', 'bob']);
    expect(cluster.memory.size).toBe(1);
  });

  it('would end that one, too, in a store that ignores who is logged in, so that the test can fail', async () => {
    const { ignoresLogins } = plantedIdentityFaults;
    const { cluster } = await logout(1, (request) => request.http.login('bob'), ignoresLogins);
    expect(cluster.memory.size).toBe(0);
  });
});

it('a logout that began before a new id ends a session that is live under it, in a store of one server', async () => {
  const { cluster, client } = await setUp();
  Object.assign(cluster.store, { shared: false });
  const leaving = await cluster.server(0).request(client.copy()).begin();
  await cluster.handle(0, client, (request) => request.renewId());
  for (let i = 0; i < 2; i++) await cluster.handle(0, client, () => undefined);
  // The session is live under its new id while this request runs.
  const running = await cluster.server(0).request(client.copy()).begin();
  await leaving.http.logout();
  await leaving.respond();
  expect(await cluster.handle(0, client, ({ exists }) => exists)).toBe(false);
  running.end();
});
