import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { SimulatedCluster } from './simulated-cluster.js';
import { PlainCounter, SummedCounter } from './counters.js';
import { plantedIdentityFaults } from './planted-faults.js';
import type { StoreOperation, Network } from './remote-store.js';
import type { SimulatedClient } from './simulated-server.js';
import { SessionEndedError } from '../../libs/session/src/errors/session-ended.error.js';
import { SessionStoreError } from '../../libs/session/src/errors/session-store.error.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';

interface Options {
  readonly network?: Network;
  readonly plant?: (store: SessionStore) => SessionStore;
}

async function setUp(servers: number, options: Options = {}) {
  const clock = new ManualClock();
  const cluster = new SimulatedCluster({ servers, beans: [SummedCounter, PlainCounter], clock, ...options });
  const client = await cluster.server(0).startSession();
  return { cluster, client, clock };
}

async function renewing(cluster: SimulatedCluster, server: number, client: SimulatedClient) {
  const request = await cluster.server(server).request(client).begin();
  request.renewId();
  return request;
}

/** Runs `action` once, when the request of such a call has left its server, or when its reply has left the store. */
function when(
  leg: 'request' | 'reply',
  operation: StoreOperation,
  action: () => Promise<void>,
): Network & { armed: boolean } {
  const network = async (...passing: Parameters<Network>): Promise<void> => {
    if (!armed.armed || passing[0] !== leg || passing[1] !== operation) return;
    armed.armed = false;
    await action();
  };
  const armed = Object.assign(network, { armed: false });
  return armed;
}

describe('renewing the id', () => {
  it('keeps the state and the start time, adds the changes of the request, and ends the old id', async () => {
    const { cluster, client, clock } = await setUp(1);
    await cluster.handle(0, client, (request) => void (request.bean(PlainCounter).value = 3));
    clock.advance(5_000);
    const old = client.copy();
    const request = await renewing(cluster, 0, client);
    const createdAt = request.session.live?.stored.times?.createdAt;
    request.bean(SummedCounter).value = 4;
    request.http.setTimeouts({ idleTimeoutMs: 77_000 });
    await request.respond();
    expect(client.id).not.toBe(old.id);
    expect(await cluster.stored(old, PlainCounter)).toBeUndefined();
    await cluster.handle(0, client, ({ session }) => {
      expect(session.live?.stored.times?.createdAt).toBe(createdAt);
      expect(session.live?.stored.lifetime.idleTimeoutMs).toBe(77_000);
    });
    expect(await cluster.stored(client, PlainCounter)).toMatchObject({ value: 3 });
    expect(await cluster.stored(client, SummedCounter)).toMatchObject({ value: 4 });
    expect(cluster.memory.size).toBe(1);
    expect(cluster.leaked).toBe(0);
  });

  it('is stored, and answered so, although a logout meanwhile does not reach the store', async () => {
    let logout: Promise<void> | undefined;
    const network: Network = async (leg, operation) => {
      if (leg === 'request' && operation === 'destroy') {
        // Until the renewal has its answer.
        for (let i = 0; i < 5; i++) await nextTurn();
        throw new Error('the request was lost');
      }
      if (leg === 'reply' && operation === 'save') logout ??= leaving.invalidate();
    };
    const { cluster, client } = await setUp(1);
    const leaving = await cluster.server(0).request(client.copy()).begin();
    const request = await renewing(cluster, 0, client);
    request.bean(SummedCounter).value = 4;
    cluster.store.network = network;
    await request.respond();
    await expect(logout).rejects.toThrow(SessionStoreError);
    leaving.end();
    cluster.store.network = async () => undefined;
    expect(await cluster.stored(client, SummedCounter)).toMatchObject({ value: 4 });
    expect(cluster.leaked).toBe(0);
  });

  it('keeps the changes that another server stores meanwhile', async () => {
    const network = when('request', 'save', () =>
      cluster.handle(1, old, (request) => void (request.bean(SummedCounter).value += 10)),
    );
    const { cluster, client } = await setUp(2, { network });
    const old = client.copy();
    const request = await renewing(cluster, 0, client);
    request.bean(SummedCounter).value++;
    network.armed = true;
    await request.respond();
    expect(await cluster.stored(client, SummedCounter)).toMatchObject({ value: 11 });
    expect(cluster.memory.size).toBe(1);
    expect(cluster.leaked).toBe(0);
  });

  it('goes on where another request finds the former id replaced before the answer of the store is there', async () => {
    // It waits for the session with `lock()`: it is told at once, and not in turn.
    const network = when('reply', 'save', async () => {
      await other.lock();
    });
    const { cluster, client } = await setUp(1, { network });
    const old = client.copy();
    const other = await cluster.server(0).request(old).begin();
    const request = await renewing(cluster, 0, client);
    request.bean(PlainCounter).value = 5;
    network.armed = true;
    await request.respond();
    other.end();
    expect(client.id).not.toBe(old.id);
    await cluster.handle(0, client, (next) => expect(next.bean(PlainCounter).value).toBe(5));
  });

  it.each([1, 2])(
    'gives one new id when two requests do it at once; the other one gets 409 (%i server(s))',
    async (servers) => {
      const { cluster, client } = await setUp(servers, { network: () => nextTurn() });
      const clients = [client.copy(), client.copy()];
      const requests = await Promise.all(clients.map((own, i) => renewing(cluster, i, own)));
      const results = await Promise.allSettled(requests.map((request) => request.respond()));
      expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { name: SessionEndedError.name },
      });
      expect(cluster.memory.size).toBe(1);
      expect(cluster.leaked).toBe(0);
    },
  );

  it('would give two new ids with a store that lets a former id write', async () => {
    const plant = plantedIdentityFaults.savesUnderFormerIds;
    const { cluster, client } = await setUp(2, { network: () => nextTurn(), plant });
    const requests = await Promise.all([0, 1].map((i) => renewing(cluster, i, client.copy())));
    const results = await Promise.allSettled(requests.map((request) => request.respond()));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  });

  it.each([
    ['the same', 0, 'request'],
    ['another', 1, 'request'],
  ] as const)('loses against a logout on %s server that comes before it (%i)', async (_where, server, leg) => {
    const { cluster, client } = await setUp(2);
    const leaving = await cluster.server(server).request(client.copy()).begin();
    const request = await renewing(cluster, 0, client);
    const leave = when(leg, 'save', () => leaving.invalidate());
    cluster.store.network = leave;
    leave.armed = true;
    await expect(request.respond()).rejects.toBeInstanceOf(SessionEndedError);
    leaving.end();
    expect(request.handedOut).toBeUndefined();
    expect(cluster.memory.size).toBe(0);
    expect(cluster.leaked).toBe(0);
  });

  it('is refused when a change is refused that its request has read', async () => {
    const { cluster, client } = await setUp(2);
    const writer = await cluster.server(0).request(client.copy()).begin();
    writer.bean(PlainCounter).value = 1;
    const third = await cluster.server(0).request(client.copy()).begin();
    const conflict = when('request', 'save', () =>
      cluster.handle(1, client.copy(), (request) => void (request.bean(PlainCounter).value = 2)),
    );
    cluster.store.network = conflict;
    conflict.armed = true;
    const written = writer.respond();
    // The third request continues from the head, which contains the change that is not stored yet.
    third.session.unit?.rollback();
    expect(third.bean(PlainCounter).value).toBe(1);
    third.renewId();
    const renewed = third.respond();
    await expect(written).rejects.toMatchObject({ status: 409 });
    await expect(renewed).rejects.toMatchObject({ status: 409 });
    expect(third.handedOut).toBeUndefined();
    expect(cluster.memory.size).toBe(1);
    expect(cluster.leaked).toBe(0);
  });

  it('waits until a change is stored that its request has read', async () => {
    const { cluster, client } = await setUp(1);
    const [writer, reader] = [client.copy(), client].map((own) => cluster.server(0).request(own));
    if (!writer || !reader) throw new Error('unreachable');
    await Promise.all([writer.begin(), reader.begin()]);
    let arrive: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    // Another request joins. During its load the change waits, and the renewal waits behind the change.
    cluster.store.network = (leg, operation) => (leg === 'reply' && operation === 'load' ? arrived : Promise.resolve());
    const joined = cluster.handle(0, client.copy(), () => undefined);
    writer.bean(PlainCounter).value = 1;
    const written = writer.respond();
    reader.session.unit?.rollback();
    reader.bean(SummedCounter).value = reader.bean(PlainCounter).value;
    reader.renewId();
    const renewed = reader.respond();
    await nextTurn();
    arrive();
    await Promise.all([joined, written, renewed]);
    expect(await cluster.stored(client, PlainCounter)).toMatchObject({ value: 1 });
    expect(await cluster.stored(client, SummedCounter)).toMatchObject({ value: 1 });
    expect(cluster.leaked).toBe(0);
  });
});
