import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SessionEndedError, SessionStoreError } from 'nestjs-session-beans';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { generateSessionId } from '../../libs/session/src/store/session-id.js';
import { Account, Cart } from './login-beans.js';
import { SimulatedCluster, type SimulatedClusterOptions } from './simulated-cluster.js';
import { SimulatedClient, type SimulatedRequest, keepTold } from './simulated-server.js';

let now = 0;
beforeEach(() => {
  now = 1_000_000;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** A client whose session has expired, with several requests under way. */
async function setUp(requests: number, options: Partial<SimulatedClusterOptions> = {}) {
  const clock = new ManualClock();
  const cluster = new SimulatedCluster({ servers: 2, beans: [Cart, Account], clock, ...options });
  const client = await cluster.server(0).startSession();
  clock.advance(1_800_001);
  const begun = await Promise.all(
    Array.from({ length: requests }, (_, server) => cluster.server(server).request(client).begin()),
  );
  return { cluster, client, begun };
}

/** It has a second cookie of our name, with an id that opens nothing. */
class ClientWithStray extends SimulatedClient {
  private readonly stray = { id: generateSessionId(), locator: undefined, freshness: undefined };

  override get presented() {
    return [this.stray, ...super.presented];
  }
}

const principalOf = (cluster: SimulatedCluster, client: SimulatedClient) =>
  cluster.handle(1, client, ({ http }) => http.principal);

describe('a client whose session is over', () => {
  it('is told to forget its id', async () => {
    const { client, begun } = await setUp(1);
    await begun[0]?.respond();
    expect(client.id).toBeUndefined();
  });

  it('gets a new id with what it starts', async () => {
    const { cluster, client, begun } = await setUp(1);
    const [request] = begun;
    const { id } = client;
    if (request) request.bean(Cart).items = 2;
    await request?.respond();
    expect(client.id).not.toBe(id);
    expect(await cluster.stored(client, Cart)).toMatchObject({ items: 2 });
  });

  // The first request finds out that the session is over, then the login happens, then the first request answers.
  it.each([
    ['long', 2_000],
    ['short', 5],
  ])('keeps the id of its login, though a request of before answers later (a %s login)', async (_title, tookMs) => {
    const { cluster, client, begun } = await setUp(3);
    const [login, writing, reading] = begun;
    now += tookMs;
    await login?.http.login('alice');
    await login?.respond();
    const { id } = client;
    if (writing) writing.bean(Cart).items = 9;
    await expect(writing?.respond()).rejects.toBeInstanceOf(SessionEndedError);
    await reading?.respond();
    expect(client.id).toBe(id);
    expect(await principalOf(cluster, client)).toBe('alice');
    expect(cluster.memory.size).toBe(1);
  });

  it.each(['the id alone', 'both ids'])(
    'keeps the id of its login also beside a stray one (late: %s)',
    async (late) => {
      const { cluster, client: plain } = await setUp(1);
      const client = new ClientWithStray(plain.id);
      const writing = await cluster
        .server(0)
        .request(late === 'both ids' ? client : plain)
        .begin();
      const reading = await cluster.server(1).request(plain).begin();
      await cluster.handle(1, client, ({ http }) => http.login('alice'));
      now += 2_000;
      writing.bean(Cart).items = 9;
      await expect(writing.respond()).rejects.toBeInstanceOf(SessionEndedError);
      await reading.respond();
      expect(plain.id).toBeDefined();
      expect(await principalOf(cluster, client)).toBe('alice');
      expect(cluster.memory.size).toBe(1);
    },
  );

  it('keeps the id of its login, though a session that another has started early is answered later', async () => {
    const { cluster, client, begun } = await setUp(2, { nearCache: keepTold });
    const [early, login] = begun;
    if (early) early.bean(Cart).items = 9;
    await early?.http.flush();
    await login?.http.login('alice');
    await login?.respond();
    const { id, freshness } = client;
    if (early) early.bean(Cart).items++;
    await early?.respond();
    expect([client.id, client.freshness]).toEqual([id, freshness]);
    expect(await principalOf(cluster, client)).toBe('alice');
  });

  it.each([0, 1])(
    'keeps the id of its login, if that happens while another session is stored (server %i)',
    async (on) => {
      const { cluster, client, begun } = await setUp(1);
      const login = await cluster.server(on).request(client).begin();
      await login.http.login('alice');
      let isFirst = true;
      cluster.store.network = async (leg, operation) => {
        if (leg !== 'request' || operation !== 'save' || !isFirst) return;
        isFirst = false;
        await login.respond();
      };
      if (begun[0]) begun[0].bean(Cart).items = 9;
      await begun[0]?.respond();
      expect(isFirst).toBe(false);
      expect(await principalOf(cluster, client)).toBe('alice');
    },
  );

  it('may start a session after a login that has failed', async () => {
    const { cluster, client, begun } = await setUp(1);
    await begun[0]?.http.login('alice');
    cluster.store.network = async (_leg, operation) => {
      if (operation === 'save') throw new Error('down');
    };
    await expect(begun[0]?.respond()).rejects.toBeInstanceOf(SessionStoreError);
    cluster.store.network = async () => undefined;
    await cluster.handle(1, client, (request) => void (request.bean(Cart).items = 2));
    expect(await cluster.stored(client, Cart)).toMatchObject({ items: 2 });
    expect(cluster.leaked).toBe(0);
  });

  it('gets no handle of a session that was not to start, and keeps the id of its login', async () => {
    const { cluster, client, begun } = await setUp(2);
    const [late, login] = begun as [SimulatedRequest, SimulatedRequest];
    await cluster.server(0).lifecycle.checkIds(late.session);
    expect(late.session.removesId).toBe(true);
    await login?.http.login('alice');
    await login?.respond();
    for (let i = 0; i < 2; i++) {
      late.http.start();
      expect(late.http.handle).toMatch(/^sh1_/);
      await expect(late.http.flush()).rejects.toBeInstanceOf(SessionEndedError);
      expect(late.http.handle).toBeUndefined();
      expect(late.session.removesId).toBe(false);
    }
    await late.respond();
    expect(await principalOf(cluster, client)).toBe('alice');
  });
});
