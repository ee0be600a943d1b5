import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { accessOf } from 'nestjs-session-beans/store-kit';
import { AccessMap } from '../../libs/session/src/live/access-map.js';
import type { LiveSession } from '../../libs/session/src/live/live-session.js';
import { renewedSessionId } from '../../libs/session/src/store/session-id.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { Latch } from '../support/latch.js';
import { SummedCounter } from './counters.js';
import { plantedIdentityFaults } from './planted-faults.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { SimulatedClient, keepAll, keepTold } from './simulated-server.js';

/** A session, and somebody who knows its key: it stands in logs, lists and handles. */
async function setUp(nearCache?: typeof keepAll) {
  const clock = new ManualClock();
  const cluster = new SimulatedCluster({ servers: 1, beans: [SummedCounter], clock, nearCache });
  const client = await cluster.server(0).startSession((request) => void (request.bean(SummedCounter).value = 1));
  await cluster.handle(0, client, () => undefined);
  const { key } = accessOf(client.id as string);
  return { clock, cluster, client, guess: () => new SimulatedClient(renewedSessionId(key)) };
}

/** Lets the loads of one client wait at the network. */
function holdLoads(cluster: SimulatedCluster): Latch {
  const latch = new Latch();
  let isHeld = true;
  cluster.store.network = async (leg, operation) => {
    if (leg !== 'request' || operation !== 'load' || !isHeld) return;
    // Only the first: later loads overtake it.
    isHeld = false;
    await latch.opened;
  };
  return latch;
}

const standingOf = (cluster: SimulatedCluster, client: SimulatedClient): Promise<string> =>
  cluster.handle(0, client, ({ session }) => session.standing);

/** As if everything were found by the key alone. */
function findByKey(): void {
  jest.spyOn(AccessMap.prototype, 'get').mockImplementation(function (this: AccessMap<LiveSession>, { key }) {
    return this.ofKey(key)[0];
  });
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a load with a wrong secret', () => {
  async function during(which: 'wrong first' | 'right first') {
    const { cluster, client, guess } = await setUp();
    const latch = holdLoads(cluster);
    const clients = which === 'wrong first' ? [guess(), client.copy()] : [client.copy(), guess()];
    const [first, second] = clients as [SimulatedClient, SimulatedClient];
    const held = standingOf(cluster, first);
    await nextTurn();
    const overtaking = standingOf(cluster, second);
    const winner = await Promise.race([overtaking, nextTurn('waits')]);
    latch.open();
    return { standings: await Promise.all([held, overtaking]), winner };
  }

  it('keeps nobody waiting who has the right one', async () => {
    expect(await during('wrong first')).toEqual({ standings: ['none', 'found'], winner: 'found' });
  });

  it('does not wait for a load with the right one, nor gets its session', async () => {
    expect(await during('right first')).toEqual({ standings: ['found', 'none'], winner: 'none' });
  });

  it.each(['wrong first', 'right first'] as const)(
    'would if loads were shared by key, so that the tests can fail (%s)',
    async (which) => {
      findByKey();
      const { standings, winner } = await during(which);
      expect(winner).toBe('waits');
      expect(standings[0]).toBe(standings[1]);
    },
  );
});

describe('the copy of a session', () => {
  it.each([
    ['no near cache', undefined],
    ['a validating near cache', keepAll],
    ['a bounded near cache', keepTold],
  ])('is as it was after a request with a wrong secret (%s)', async (_cache, nearCache) => {
    const { clock, cluster, client, guess } = await setUp(nearCache);
    const running = await cluster.server(0).request(client.copy()).begin();
    const live = running.session.live as LiveSession;
    const before = { stored: { ...live.stored }, users: live.users, snapshot: live.snapshot() };
    const record = cluster.memory.load(live.access);
    // A request of the client would move the end of life.
    clock.advance(120_000);
    expect(await standingOf(cluster, guess())).toBe('none');

    expect({ stored: { ...live.stored }, users: live.users, snapshot: live.snapshot() }).toEqual(before);
    expect([live.isEnded, live.isRenewed]).toEqual([false, false]);
    expect(cluster.memory.load(live.access)).toEqual(record);
    expect(cluster.server(0).liveSessions.size).toBe(1);
    running.end();
  });

  it('would move its end of life if it were found by key, so that the test can fail', async () => {
    const { clock, cluster, client, guess } = await setUp();
    const running = await cluster.server(0).request(client.copy()).begin();
    const access = accessOf(client.id as string);
    const record = cluster.memory.load(access);
    clock.advance(120_000);
    findByKey();
    expect(await standingOf(cluster, guess())).toBe('found');
    expect(cluster.memory.load(access)).not.toEqual(record);
    running.end();
  });

  it.each(['a wrong', 'a former'])('has nothing in its queue of a load with %s secret', async (which) => {
    const { cluster, client, guess } = await setUp();
    const former = client.copy();
    if (which === 'a former') await cluster.handle(0, client, (request) => request.renewId());
    const running = await cluster.server(0).request(client.copy()).begin();
    const live = running.session.live as LiveSession;
    const jobs = jest.spyOn(live, 'revalidate');
    const latch = holdLoads(cluster);
    const other = which === 'a former' ? former : guess();
    const waiting = Promise.all([standingOf(cluster, other.copy()), standingOf(cluster, other.copy())]);
    await nextTurn();

    // Commits and loads of the session go on in front of the load that the network holds.
    running.bean(SummedCounter).value++;
    await running.commit();
    expect(await cluster.handle(0, client.copy(), (request) => request.bean(SummedCounter).value)).toBe(2);
    expect(jobs).toHaveBeenCalledTimes(1);
    latch.open();
    expect(await waiting).toEqual(Array.from({ length: 2 }, () => (which === 'a former' ? 'superseded' : 'none')));
    running.end();
    expect(cluster.leaked).toBe(0);
  });
});

describe('a client with a former secret', () => {
  it('does not end the copy that the present one opens', async () => {
    const { cluster, client } = await setUp(keepAll);
    const former = client.copy();
    await cluster.handle(0, client, (request) => request.renewId());
    for (let i = 0; i < 3; i++) {
      expect(await standingOf(cluster, former)).toBe('superseded');
      expect(await standingOf(cluster, client)).toBe('found');
    }
    expect(cluster.server(0).liveSessions.size).toBe(1);
  });
});

describe('a store that compares no proof', () => {
  async function renewedElsewhere() {
    const plant = plantedIdentityFaults.comparesNoProof;
    const cluster = new SimulatedCluster({ servers: 2, beans: [SummedCounter], plant });
    const client = await cluster.server(0).startSession((request) => void (request.bean(SummedCounter).value = 1));
    const slow = await cluster.server(0).request(client.copy()).begin();
    const former = client.copy();
    await cluster.handle(1, client, (request) => {
      request.renewId();
      request.bean(SummedCounter).value = 70;
    });
    return { cluster, slow, former };
  }

  it('has failed when it answers a load with the record of another id', async () => {
    const { cluster, slow, former } = await renewedElsewhere();
    slow.end();
    await expect(cluster.handle(0, former, () => undefined)).rejects.toMatchObject({ status: 503, operation: 'load' });
  });

  it('has failed when it answers a save with the record of another id: nothing of that is seen', async () => {
    const { slow } = await renewedElsewhere();
    slow.bean(SummedCounter).value++;
    const error = await slow.commit().catch((reason: unknown) => reason);
    expect(slow.bean(SummedCounter).value).toBe(1);
    expect(error).toMatchObject({ status: 503, operation: 'save' });
    slow.end();
  });
});
