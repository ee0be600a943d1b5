import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { SessionEvents } from 'nestjs-session-beans';
import { accessOf, sessionHandle, sessionHash } from 'nestjs-session-beans/store-kit';
import { PlainCounter } from './counters.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { SimulatedClient, type SimulatedServer } from './simulated-server.js';

const NAMES = ['created', 'login', 'renewed', 'ended', 'conflict'] as const;

/** What the servers of a cluster tell, in order. */
function toldBy(cluster: SimulatedCluster): unknown[] {
  const told: unknown[] = [];
  for (const { events } of cluster.servers)
    for (const name of NAMES) events.on(name, (event) => void told.push({ name, ...event }));
  return told;
}

function setUp(network?: () => Promise<void>) {
  const cluster = new SimulatedCluster({ servers: 2, beans: [PlainCounter], network });
  return { cluster, told: toldBy(cluster) };
}

/** The session of a client in an event. */
function ref(client: SimulatedClient, logins: number, principal: string | undefined): unknown {
  const { key } = accessOf(client.id as string);
  return { hash: sessionHash(key), handle: sessionHandle({ key, logins }), principal };
}

describe('the events of a session', () => {
  it('tell that it was created, who has logged in, that it got new ids, and that it ended', async () => {
    const { cluster, told } = setUp();
    const client = new SimulatedClient();
    const steps: [string, () => unknown[]][] = [
      ['start', () => [{ name: 'created', session: ref(client, 0, undefined) }]],
      ['renewId', () => [{ name: 'renewed', session: ref(client, 0, undefined) }]],
      ['alice', () => ['renewed', 'login'].map((name) => ({ name, session: ref(client, 1, 'alice') }))],
      ['alice', () => ['renewed', 'login'].map((name) => ({ name, session: ref(client, 1, 'alice') }))],
      [
        'bob',
        () => [
          { name: 'ended', reason: 'login', session: ref(client, 1, 'alice') },
          { name: 'renewed', session: ref(client, 2, 'bob') },
          { name: 'login', session: ref(client, 2, 'bob') },
        ],
      ],
    ];
    for (const [i, [step, events]] of steps.entries()) {
      await cluster.handle(i, client, ({ http }) => {
        if (step === 'start') return http.start();
        return step === 'renewId' ? http.renewId() : http.login(step);
      });
      expect(told.splice(0)).toEqual(events());
    }
    const last = ref(client, 2, 'bob');
    await cluster.handle(0, client, ({ http }) => http.logout());
    expect(told).toEqual([{ name: 'ended', reason: 'logout', session: last }]);
  });

  it('tell of a login that begins a session', async () => {
    const { cluster, told } = setUp();
    const client = new SimulatedClient();
    await cluster.handle(0, client, ({ http }) => http.login('alice'));
    expect(told).toEqual(['created', 'login'].map((name) => ({ name, session: ref(client, 1, 'alice') })));
  });

  it('tell of nothing that did not happen: a login and a renewal that are cancelled or refused', async () => {
    const { cluster, told } = setUp();
    const client = await cluster.server(0).startSession();
    const former = client.copy();
    await cluster.handle(0, client, ({ http }) => http.renewId());
    told.length = 0;
    const cancelled = await cluster.server(0).request(client).begin();
    await cancelled.http.login('alice');
    await cancelled.respond(true);
    await expect(cluster.handle(0, former, ({ http }) => http.renewId())).rejects.toMatchObject({ status: 409 });
    expect(told).toEqual([]);
  });

  it('of two logins at once tell who has logged in to which session', async () => {
    const { cluster, told } = setUp(() => nextTurn());
    const client = await cluster.server(0).startSession();
    told.length = 0;
    const clients = [client.copy(), client.copy()] as [SimulatedClient, SimulatedClient];
    const requests = await Promise.all(clients.map((own, i) => cluster.server(i).request(own).begin()));
    await Promise.all(
      requests.map(async (request, i) => {
        await request.http.login(['alice', 'bob'][i] as string);
        await request.respond();
      }),
    );
    const { key } = accessOf(client.id as string);
    const byName = (which: string) => told.filter((event) => (event as { readonly name: string }).name === which);
    expect(byName('login')).toHaveLength(2);
    expect(byName('login')).toEqual(
      expect.arrayContaining(clients.map((own, i) => ({ name: 'login', session: ref(own, 1, ['alice', 'bob'][i]) }))),
    );
    const isSame = clients.map((own) => accessOf(own.id as string).key === key);
    const [renewed, created] = isSame[0] ? ['alice', 'bob'] : ['bob', 'alice'];
    expect(byName('renewed')).toEqual([{ name: 'renewed', session: expect.objectContaining({ principal: renewed }) }]);
    expect(byName('created')).toEqual([{ name: 'created', session: expect.objectContaining({ principal: created }) }]);
    expect(byName('ended')).toEqual([]);
  });

  it('tell that it ended once, by whatever ended it', async () => {
    const { cluster, told } = setUp();
    const client = await cluster.server(0).startSession(({ http }) => http.login('alice'));
    const leaving = await Promise.all([0, 1].map((server) => cluster.server(server).request(client.copy()).begin()));
    const [late, alsoLate] = leaving;
    const former = ref(client, 1, 'alice');
    await cluster.handle(0, client, ({ http }) => http.login('bob'));
    told.length = 0;
    // The session that these two mean is over: another principal has logged in.
    await late?.http.logout();
    await alsoLate?.http.logout();
    for (const request of leaving) request.end();
    expect(told).not.toContainEqual({ name: 'ended', reason: 'logout', session: former });
    expect(await cluster.handle(0, client, ({ http }) => http.principal)).toBe('bob');
  });

  it('name no session that the server does not have, and no id', async () => {
    const { cluster, told } = setUp();
    const client = await cluster.server(0).startSession(({ http }) => http.login('alice'));
    await cluster.handle(0, client, ({ http }) => http.renewId());
    const text = JSON.stringify(told);
    expect(text).not.toContain((client.id as string).slice(22));
    expect(text).not.toContain(accessOf(client.id as string).proof);
  });
});

describe('a listener of events', () => {
  const failure = new Error('the audit log is full');

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw failure;
      },
    ],
    ['rejects', () => Promise.reject(failure)],
    ['rejects later', () => nextTurn().then(() => Promise.reject(failure))],
  ])('that %s stops neither the others nor the request, and is reported', async (_how, listener) => {
    const errors: unknown[] = [];
    const events = new SessionEvents((error) => void errors.push(error));
    const heard: string[] = [];
    events.on('created', listener);
    events.on('created', () => void heard.push('created'));
    const session = { hash: 'AAAAAAAA', handle: undefined, principal: undefined };
    events.emit('created', { session });
    expect(heard).toEqual(['created']);
    for (let turns = 0; turns < 3; turns++) await nextTurn();
    expect(errors).toEqual([failure]);
  });

  it('changes an event for nobody: not for the others, and not in the answer of the request', async () => {
    const { cluster } = setUp();
    const [server] = cluster.servers as [SimulatedServer];
    const heard: unknown[] = [];
    server.events.on('conflict', (event) => Object.assign(event, { session: undefined }));
    server.events.on('conflict', ({ session }) => Object.assign(session, { principal: 'eve' }));
    server.events.on('conflict', ({ conflicts }) => (conflicts as unknown[]).pop());
    server.events.on('conflict', ({ conflicts: [first] }) => Object.assign(first ?? {}, { field: 'other' }));
    server.events.on('conflict', (event) => heard.push(structuredClone(event)));
    const client = await server.startSession(({ http }) => http.login('alice'));
    const late = await server.request(client).begin();
    await server.handle(client.copy(), (request) => void (request.bean(PlainCounter).value = 1));
    late.bean(PlainCounter).value = 2;
    const conflicts = [{ bean: 'plain', field: 'value' }];
    await expect(late.respond()).rejects.toMatchObject({ conflicts });
    expect(heard).toEqual([{ session: ref(client, 1, 'alice'), conflicts }]);
  });

  it('keeps no request waiting', async () => {
    const { cluster } = setUp();
    const [server] = cluster.servers as [SimulatedServer];
    server.events.on('created', () => new Promise(() => undefined));
    const client = await server.startSession();
    expect(await server.handle(client, ({ exists }) => exists)).toBe(true);
  });
});
