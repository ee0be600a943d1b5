import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { SessionEndedError, type SessionStore } from 'nestjs-session-beans';
import { accessOf } from 'nestjs-session-beans/store-kit';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { Account, Cart, CsrfToken } from './login-beans.js';
import { plantedIdentityFaults } from './planted-faults.js';
import { SimulatedCluster, type SimulatedClusterOptions } from './simulated-cluster.js';
import { SimulatedClient, type SimulatedRequest, keepAll, keepTold } from './simulated-server.js';

const beans = [Cart, CsrfToken, Account];

interface Setup extends Partial<SimulatedClusterOptions> {
  readonly principal?: string;
}

/** A session with something in each bean, anonymous or of a principal. */
async function setUp({ principal, ...options }: Setup = {}) {
  const clock = new ManualClock();
  const cluster = new SimulatedCluster({ servers: 2, beans, clock, ...options });
  const client = await cluster.server(0).startSession(async (request) => {
    if (principal !== undefined) await request.http.login(principal);
    request.bean(Cart).items = 3;
    request.bean(CsrfToken).token = 'planted';
    request.bean(Account).balance = 100;
    request.http.set('theme', 'dark');
  });
  return { clock, cluster, client };
}

const holdings = { cart: 3, token: 'planted', balance: 100, theme: 'dark' };
const nothing = { cart: 0, token: '', balance: 0, theme: undefined };

/** All that a request sees of its session. */
function seenBy(request: SimulatedRequest): Record<'cart' | 'token' | 'balance' | 'theme', unknown> {
  return {
    cart: request.bean(Cart).items,
    token: request.bean(CsrfToken).token,
    balance: request.bean(Account).balance,
    theme: request.http.get('theme'),
  };
}

/** All that the next request of a client sees, and whose session it is. */
const seenNext = (cluster: SimulatedCluster, client: SimulatedClient, server = 0) =>
  cluster.handle(server, client.copy(), (request) => ({ principal: request.http.principal, ...seenBy(request) }));

/** The names of the stored parts. */
function storedParts(cluster: SimulatedCluster, client: SimulatedClient): string[] {
  const found = cluster.memory.load(accessOf(client.id as string));
  return found.outcome === 'found' ? [...found.record.parts.keys()] : [];
}

const timesOf = (cluster: SimulatedCluster, client: SimulatedClient) =>
  cluster.handle(0, client.copy(), ({ http }) => ({
    createdAt: http.createdAt,
    authenticatedAt: http.authenticatedAt,
  }));

describe('a login to an anonymous session', () => {
  it.each([
    ['reset', { ...nothing, cart: 3 }],
    ['keep', { ...nothing, cart: 3, theme: 'dark' }],
  ] as const)('shows at once what goes on, and stores only that (attributes: %s)', async (attributesOnLogin, left) => {
    const { cluster, client } = await setUp({ attributesOnLogin });
    const former = client.id;
    await cluster.handle(0, client, async (request) => {
      expect(seenBy(request)).toEqual(holdings);
      await request.http.login('alice');
      expect(request.http.principal).toBe('alice');
      expect(seenBy(request)).toEqual(left);
    });
    expect(client.id).not.toBe(former);
    expect(await seenNext(cluster, client)).toEqual({ principal: 'alice', ...left });
    expect(storedParts(cluster, client)).toEqual(attributesOnLogin === 'keep' ? ['cart', '@session'] : ['cart']);
    expect(cluster.memory.size).toBe(1);
  });

  it('stores what the request changes before and after it, without what does not go on', async () => {
    const { cluster, client } = await setUp();
    await cluster.handle(0, client, async (request) => {
      request.bean(Cart).items++;
      request.bean(CsrfToken).token = 'changed before';
      await request.http.login('alice');
      request.bean(Cart).items++;
      request.bean(Account).balance = 7;
    });
    const expected = { principal: 'alice', ...nothing, cart: 5, balance: 7 };
    expect(await seenNext(cluster, client)).toEqual(expected);
    expect(storedParts(cluster, client)).toEqual(['cart', 'account']);
  });

  it('keeps the age of the session, and notes when it happened', async () => {
    const { clock, cluster, client } = await setUp();
    const { createdAt } = await timesOf(cluster, client);
    clock.advance(5_000);
    const at = clock.now();
    await cluster.handle(0, client, (request) => request.http.login('alice'));
    expect(await timesOf(cluster, client)).toEqual({ createdAt, authenticatedAt: at });
  });

  describe.each([
    ['no near cache', undefined],
    ['a validating near cache', keepAll],
    ['a bounded near cache', keepTold],
  ])('while another server stores parts that this one does not know (%s)', (_cache, nearCache) => {
    async function overtaken(plant?: (store: SessionStore) => SessionStore) {
      const clock = new ManualClock();
      const cluster = new SimulatedCluster({ servers: 2, beans, clock, nearCache, plant });
      const client = await cluster.server(0).startSession();
      const other = client.copy();
      const request = await cluster.server(0).request(client).begin();
      await cluster.handle(1, other, (meanwhile) => {
        meanwhile.bean(Cart).items = 10;
        meanwhile.bean(CsrfToken).token = 'planted';
      });
      await request.http.login('alice');
      return { cluster, client, request };
    }

    it('those go on that are declared to, and the others are gone', async () => {
      const { cluster, client, request } = await overtaken();
      await request.respond();
      const expected = { principal: 'alice', ...nothing, cart: 10 };
      for (const server of [0, 1, 0]) expect(await seenNext(cluster, client, server)).toEqual(expected);
      expect(storedParts(cluster, client)).toEqual(['cart']);
    });

    it('a change of such a part by the request itself is merged', async () => {
      const { cluster, client, request } = await overtaken();
      request.bean(Cart).items++;
      await request.http.flush();
      request.bean(Cart).items++;
      request.bean(Cart).voucher = 'welcome';
      await request.respond();
      for (const server of [0, 1]) expect(await seenNext(cluster, client, server)).toMatchObject({ cart: 12 });
    });

    it('the others would stay in a store that ignores what goes on, so that the test can fail', async () => {
      const { cluster, client, request } = await overtaken(plantedIdentityFaults.ignoresKeep);
      await request.respond();
      expect(await seenNext(cluster, client)).toMatchObject({ token: 'planted' });
    });
  });
});

describe('a login of another principal', () => {
  it('shows nothing of the former one, from the call on, and nothing of it is stored', async () => {
    const { cluster, client } = await setUp({ principal: 'alice', attributesOnLogin: 'keep' });
    await cluster.handle(0, client, async (request) => {
      expect(seenBy(request)).toEqual(holdings);
      request.bean(Cart).items++;
      await request.http.login('bob');
      expect(request.http.principal).toBe('bob');
      expect(seenBy(request)).toEqual(nothing);
      expect(request.http.beanNames).toEqual(['cart', 'csrf', 'account']);
    });
    expect(await seenNext(cluster, client)).toEqual({ principal: 'bob', ...nothing });
    expect(storedParts(cluster, client)).toEqual([]);
  });

  it('stores what the request changes after it', async () => {
    const { cluster, client } = await setUp({ principal: 'alice' });
    await cluster.handle(0, client, async (request) => {
      request.bean(Account).balance = 1_000;
      await request.http.login('bob');
      request.bean(Account).balance++;
    });
    expect(await seenNext(cluster, client, 1)).toEqual({ principal: 'bob', ...nothing, balance: 1 });
  });

  it('begins a session: its age, its timeouts and its end of life are not those of the former one', async () => {
    const { clock, cluster, client } = await setUp({ principal: 'alice' });
    await cluster.handle(0, client, (request) =>
      request.http.setTimeouts({ idleTimeoutMs: 60_000, absoluteTimeoutMs: 90_000 }),
    );
    clock.advance(50_000);
    const at = clock.now();
    await cluster.handle(0, client, (request) => request.http.login('bob'));
    expect(await timesOf(cluster, client)).toEqual({ createdAt: at, authenticatedAt: at });
    clock.advance(200_000);
    expect(await seenNext(cluster, client)).toMatchObject({ principal: 'bob' });
  });

  async function overtaken(plant?: (store: SessionStore) => SessionStore) {
    const { cluster, client } = await setUp({ principal: 'alice', plant });
    const request = await cluster.server(0).request(client).begin();
    await cluster.handle(1, client.copy(), (other) => {
      other.bean(Cart).items = 50;
      other.bean(Account).balance = 5_000;
    });
    await request.http.login('bob');
    request.bean(Cart).items++;
    await request.respond();
    return seenNext(cluster, client);
  }

  it('removes also what another server stores meanwhile', async () => {
    expect(await overtaken()).toEqual({ principal: 'bob', ...nothing, cart: 1 });
  });

  it('would see it in a store that ignores what goes on, so that the test can fail', async () => {
    expect(await overtaken(plantedIdentityFaults.ignoresKeep)).toMatchObject({ principal: 'bob', balance: 5_000 });
  });
});

describe('a login of the same principal', () => {
  it('keeps everything, under a new id, and the absolute end of life is counted from it', async () => {
    const { clock, cluster, client } = await setUp({ principal: 'alice' });
    await cluster.handle(0, client, (request) => request.http.setTimeouts({ absoluteTimeoutMs: 100_000 }));
    const { createdAt } = await timesOf(cluster, client);
    const former = client.id;
    clock.advance(80_000);
    const at = clock.now();
    await cluster.handle(0, client, async (request) => {
      await request.http.login('alice');
      expect(seenBy(request)).toEqual(holdings);
      request.bean(Cart).items++;
    });
    expect(client.id).not.toBe(former);
    expect(await timesOf(cluster, client)).toEqual({ createdAt, authenticatedAt: at });
    clock.advance(80_000);
    expect(await seenNext(cluster, client)).toEqual({ principal: 'alice', ...holdings, cart: 4 });
    clock.advance(20_001);
    expect(await seenNext(cluster, client)).toEqual({ principal: undefined, ...nothing });
  });
});

/** Lets two principals log in to one session at once, each on its own server if there are two. */
async function twoLogins(principals: readonly [string, string], options: Setup) {
  const { cluster, client } = await setUp({ network: () => nextTurn(), ...options });
  const former = client.copy();
  const clients = principals.map(() => client.copy());
  const requests = await Promise.all(clients.map((own, i) => cluster.server(i).request(own).begin()));
  const responses = requests.map(async (request, i) => {
    await request.http.login(principals[i] as string);
    request.bean(Cart).items += 10 ** (i + 1);
    request.bean(Account).balance = i + 1;
    await request.respond();
  });
  await Promise.all(responses);
  expect(cluster.leaked).toBe(0);
  return { cluster, former, clients: clients as [SimulatedClient, SimulatedClient] };
}

describe.each([1, 2])('two logins to one session at once (%i server(s))', (servers) => {
  it('both succeed: one gives the session a new id, the other begins its own with the state it has read', async () => {
    const { cluster, former, clients } = await twoLogins(['alice', 'bob'], { servers });
    const [alice, bob] = clients;
    for (const server of [0, 1]) {
      expect(await seenNext(cluster, alice, server)).toEqual({ principal: 'alice', ...nothing, cart: 13, balance: 1 });
      expect(await seenNext(cluster, bob, server)).toEqual({ principal: 'bob', ...nothing, cart: 103, balance: 2 });
      expect(await cluster.handle(server, former, ({ session }) => session.standing)).toBe('superseded');
    }
    const keys = clients.map(({ id }) => accessOf(id as string).key);
    expect(keys.filter((key) => key === accessOf(former.id as string).key)).toHaveLength(1);
    expect(cluster.memory.size).toBe(2);
    expect(storedParts(cluster, alice)).toEqual(['cart', 'account']);
    expect(storedParts(cluster, bob)).toEqual(['cart', 'account']);
  });

  it('of the principal who is logged in, both go on with what they have read', async () => {
    const { cluster, clients } = await twoLogins(['alice', 'alice'], { servers, principal: 'alice' });
    const [one, other] = clients;
    expect(await seenNext(cluster, one)).toEqual({ principal: 'alice', ...holdings, cart: 13, balance: 1 });
    expect(await seenNext(cluster, other)).toEqual({ principal: 'alice', ...holdings, cart: 103, balance: 2 });
    expect(cluster.memory.size).toBe(2);
  });

  it('of two others, both begin empty', async () => {
    const { cluster, clients } = await twoLogins(['bob', 'carol'], { servers, principal: 'alice' });
    const [bob, carol] = clients;
    expect(await seenNext(cluster, bob)).toEqual({ principal: 'bob', ...nothing, cart: 10, balance: 1 });
    expect(await seenNext(cluster, carol)).toEqual({ principal: 'carol', ...nothing, cart: 100, balance: 2 });
  });

  it('and a renewal that comes first, too', async () => {
    const { cluster, client } = await setUp({ servers });
    const login = await cluster.server(0).request(client.copy()).begin();
    const own = client.copy();
    await cluster.handle(1, client, (request) => {
      request.renewId();
      request.bean(Cart).items = 70;
    });
    const { id } = client;
    await login.http.login('bob');
    await login.http.flush();
    expect(seenBy(login)).toEqual({ ...nothing, cart: 3 });
    expect(login.handedOut?.id.slice(0, 22)).not.toBe(own.id?.slice(0, 22));
    await login.respond();
    expect(client.id).toBe(id);
    expect(await seenNext(cluster, client)).toEqual({ principal: undefined, ...holdings, cart: 70 });
  });
});

it('two logins at once would share a session in a store in which both ids open it: these tests can fail', async () => {
  const plant = plantedIdentityFaults.opensWithFormerIds;
  const { cluster, clients } = await twoLogins(['alice', 'bob'], { servers: 2, plant });
  expect(await seenNext(cluster, clients[0])).toEqual(await seenNext(cluster, clients[1]));
});

describe.each([0, 1])('a login whose session ends while it runs (on server %i)', (server) => {
  it.each<[string, string | undefined]>([
    ['an anonymous session', undefined],
    ['a session of the same principal', 'bob'],
    ['a session of another principal', 'alice'],
  ])('begins its own, which has nothing of %s', async (_title, principal) => {
    const { cluster, client } = await setUp({ principal });
    const [former, writer] = [client.copy(), client.copy()];
    const login = await cluster.server(0).request(client).begin();
    const late = await cluster.server(1).request(writer).begin();
    expect(seenBy(login)).toEqual(holdings);
    await login.http.login('bob');
    login.http.set('language', 'en');
    await cluster.handle(server, former, ({ http }) => http.logout());
    await login.respond();
    expect(client.id?.slice(0, 22)).not.toBe(writer.id?.slice(0, 22));
    expect(await seenNext(cluster, client, 1)).toEqual({ principal: 'bob', ...nothing });
    expect(await cluster.handle(0, client, ({ http }) => http.get('language'))).toBe('en');

    // The answer of another request that still has the id of before does not take its place.
    await expect(late.http.logout()).resolves.toBeUndefined();
    late.bean(Cart).items = 1;
    await expect(late.respond()).rejects.toBeInstanceOf(SessionEndedError);
    expect(cluster.memory.size).toBe(1);
    expect(cluster.leaked).toBe(0);
  });
});

describe('a login in a request that fails', () => {
  it.each<[string, string | undefined]>([
    ['an anonymous session', undefined],
    ['a session of the same principal', 'bob'],
    ['a session of another principal', 'alice'],
  ])('does not happen: %s keeps its id and its principal', async (_title, principal) => {
    const { cluster, client } = await setUp({ principal });
    const { id } = client;
    const request = await cluster.server(0).request(client).begin();
    await request.http.login('bob');
    expect(request.http.principal).toBe('bob');
    await request.respond(true);
    expect(client.id).toBe(id);
    expect(await seenNext(cluster, client)).toEqual({ principal, ...holdings });
  });

  it('leaves changes of what goes on, and those made before it; it forgets the others', async () => {
    const { cluster, client } = await setUp();
    const request = await cluster.server(0).request(client).begin();
    request.bean(CsrfToken).token = 'changed before';
    await request.http.login('bob');
    request.bean(Cart).items = 4;
    request.bean(CsrfToken).token = 'of bob';
    request.bean(Account).balance = 5;
    request.http.set('theme', 'of bob');
    await request.respond(true);
    const expected = { principal: undefined, ...holdings, cart: 4, token: 'changed before' };
    expect(await seenNext(cluster, client)).toEqual(expected);
  });

  it('forgets all that was changed after it where another principal is logged in', async () => {
    const { cluster, client } = await setUp({ principal: 'alice' });
    const request = await cluster.server(0).request(client).begin();
    request.bean(Account).balance = 101;
    await request.http.login('bob');
    request.bean(Cart).items = 4;
    request.bean(Account).balance = 5;
    await request.respond(true);
    expect(await seenNext(cluster, client)).toEqual({ principal: 'alice', ...holdings, balance: 101 });
  });

  it('starts no session for it, unless something is to be stored that would go on', async () => {
    const { cluster } = await setUp();
    const [nobody, visitor] = [new SimulatedClient(), new SimulatedClient()];
    for (const [client, items] of [
      [nobody, 0],
      [visitor, 5],
    ] as const) {
      const request = await cluster.server(0).request(client).begin();
      await request.http.login('bob');
      request.bean(Account).balance = 5;
      request.bean(Cart).items = items;
      await request.respond(true);
    }
    expect(nobody.id).toBeUndefined();
    expect(await seenNext(cluster, visitor)).toEqual({ principal: undefined, ...nothing, cart: 5 });
  });

  it('does not undo one that is stored already', async () => {
    const { cluster, client } = await setUp();
    const request = await cluster.server(0).request(client).begin();
    await request.http.login('bob');
    await request.http.flush();
    await request.respond(true);
    expect(await seenNext(cluster, client)).toEqual({ principal: 'bob', ...nothing, cart: 3 });
  });
});

describe('two logins in one request', () => {
  async function twice(first: string, second: string, between: (request: SimulatedRequest) => void | Promise<void>) {
    const { cluster, client } = await setUp();
    await cluster.handle(0, client, async (request) => {
      await request.http.login(first);
      await between(request);
      await request.http.login(second);
    });
    return { cluster, client, seen: await seenNext(cluster, client) };
  }

  const change = (request: SimulatedRequest): void => {
    request.bean(Cart).items++;
    request.bean(Account).balance = 9;
    request.http.set('theme', 'light');
  };

  it('of the same principal keep what was changed between them', async () => {
    const { seen } = await twice('alice', 'alice', change);
    expect(seen).toEqual({ principal: 'alice', ...nothing, cart: 4, balance: 9, theme: 'light' });
  });

  it('of two principals: nothing of the first is seen or stored', async () => {
    const { cluster, client, seen } = await twice('alice', 'bob', change);
    expect(seen).toEqual({ principal: 'bob', ...nothing });
    expect(storedParts(cluster, client)).toEqual([]);
  });

  it.each(['alice', 'bob'])(
    'with a flush between them: the second one is a login to the first (%s)',
    async (second) => {
      const { seen } = await twice('alice', second, async (request) => {
        change(request);
        await request.http.flush();
      });
      const kept = second === 'alice' ? { ...nothing, cart: 4, balance: 9, theme: 'light' } : nothing;
      expect(seen).toEqual({ principal: second, ...kept });
    },
  );
});

describe('a login and a logout in one request', () => {
  it('begin a new session when the logout comes first', async () => {
    const { cluster, client } = await setUp({ principal: 'alice' });
    const { key } = accessOf(client.id as string);
    await cluster.handle(0, client, async (request) => {
      await request.http.logout();
      await request.http.login('bob');
      request.bean(Cart).items++;
    });
    expect(accessOf(client.id as string).key).not.toBe(key);
    expect(await seenNext(cluster, client)).toEqual({ principal: 'bob', ...nothing, cart: 1 });
    expect(cluster.memory.size).toBe(1);
  });

  it('end the session when the login comes first', async () => {
    const { cluster, client } = await setUp();
    await cluster.handle(0, client, async (request) => {
      await request.http.login('bob');
      request.bean(Account).balance = 5;
      await request.http.logout();
      expect(request.http.principal).toBeUndefined();
    });
    expect(cluster.memory.size).toBe(0);
    expect(client.id).toBeUndefined();
  });
});

describe('a login under the lock', () => {
  it.each<[string, (request: SimulatedRequest) => void | Promise<void>]>([
    ['renewId()', (request) => request.http.renewId()],
    ['login()', (request) => request.http.login('alice')],
  ])('keeps the lock of the session: %s', async (_how, renew) => {
    const { cluster, client } = await setUp();
    const holder = await cluster.server(0).request(client).begin();
    await holder.lock();
    await renew(holder);
    await holder.http.flush();
    const next = new SimulatedClient(holder.handedOut?.id);
    const others = await Promise.all([0, 1].map((server) => cluster.server(server).request(next.copy()).begin()));
    const locked = others.map((request) => request.lock().then(() => request.bean(Cart).items));
    const isFree = await Promise.race([Promise.any(locked).then(() => true), nextTurn(false)]);
    expect(isFree).toBe(false);

    // A save that names a lock which is not held would be refused.
    holder.bean(Cart).items = 30;
    await holder.respond();
    expect(await locked[0]).toBe(30);
    others[0]?.end();
    expect(await locked[1]).toBe(30);
    others[1]?.end();
    await nextTurn();
    expect(cluster.leaked).toBe(0);
  });
});
