import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { SessionConflictError, SessionScoped } from 'nestjs-session-beans';
import { rounds } from '../support/rounds.js';
import { SimulatedCluster, type SimulatedClusterOptions, inParallel } from './simulated-cluster.js';
import { PlainCounter, SummedCounter } from './counters.js';
import { plantedFaults } from './planted-faults.js';
import { randomNetwork } from './remote-store.js';
import type { SimulatedRequest } from './simulated-server.js';

const REQUESTS = rounds(300, 1_000);
const WIDTH = 50;

@SessionScoped({ name: 'prices' })
class Prices {
  byName = new Map<string, number>();
}

type Setup = Pick<SimulatedClusterOptions, 'servers' | 'plant'>;

/** Sends requests that read, wait and write, `WIDTH` at a time. */
async function countUp(bean: typeof SummedCounter | typeof PlainCounter, setup: Setup) {
  const cluster = new SimulatedCluster({ ...setup, beans: [bean], network: randomNetwork(setup.servers) });
  const client = await cluster.server(0).startSession();
  const savesBefore = cluster.store.calls.save;
  const results = await inParallel(REQUESTS, WIDTH, (i) =>
    cluster.handle(i, client.copy(), async (request) => {
      const { value } = request.bean(bean);
      await nextTurn();
      request.bean(bean).value = value + 1;
    }),
  );
  const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const final = (await cluster.stored(client, bean))?.value;
  const saves = cluster.store.calls.save - savesBefore;
  return { refusals, accepted: REQUESTS - refusals.length, final, saves, leaked: cluster.leaked };
}

describe.each([1, 2, 4])('many read-await-write requests of one session on %i server(s)', (servers) => {
  it("are all stored if the field has @Merge('sum')", async () => {
    const { refusals, final, leaked } = await countUp(SummedCounter, { servers });
    expect(refusals).toEqual([]);
    expect(final).toBe(REQUESTS);
    expect(leaked).toBe(0);
  });

  it('are stored, or refused with a 409 that names bean and field, if there is no rule', async () => {
    const { refusals, accepted, final, leaked } = await countUp(PlainCounter, { servers });
    expect(accepted).toBeGreaterThan(REQUESTS / 100);
    expect(refusals.length).toBeGreaterThan(REQUESTS / 100);
    expect(final).toBe(accepted);
    for (const refusal of refusals) {
      expect(refusal).toBeInstanceOf(SessionConflictError);
      expect(refusal).toMatchObject({ conflicts: [{ bean: 'plain', field: 'value' }], status: 409 });
    }
    expect(leaked).toBe(0);
  });

  it('are told all that they clash in at once, in every bean, and nothing that merges', async () => {
    const cluster = new SimulatedCluster({ servers, beans: [PlainCounter, SummedCounter, Prices] });
    const change = (request: SimulatedRequest, value: number): void => {
      Object.assign(request.bean(PlainCounter), { value, other: value });
      request.bean(SummedCounter).value += value;
      request.bean(Prices).byName.set('tea', value).set(`of ${value}`, value);
    };
    const client = await cluster.server(0).startSession((request) => change(request, 1));
    const refused = cluster.handle(0, client, async (request) => {
      change(request, 10);
      await cluster.handle(1, client.copy(), (other) => change(other, 100));
    });
    const detail = 'plain.value, plain.other, prices.byName.get("tea") were changed by another request';
    await expect(refused).rejects.toMatchObject({
      status: 409,
      detail: expect.stringContaining(detail),
      conflicts: [
        { bean: 'plain', field: 'value' },
        { bean: 'plain', field: 'other' },
        { bean: 'prices', field: 'byName.get("tea")' },
      ],
    });
    expect(await cluster.stored(client, PlainCounter)).toMatchObject({ value: 100, other: 100 });
    expect(await cluster.stored(client, SummedCounter)).toMatchObject({ value: 101 });
  });

  it('lose updates silently in a store that overwrites, so that these tests can fail', async () => {
    // On one server all changes meet in the head of the live session, so there is nothing to overwrite.
    if (servers === 1) return;
    const { accepted, final } = await countUp(SummedCounter, { servers, plant: plantedFaults.overwrites });
    expect(final).toBeLessThan(accepted);
  });
});

describe('requests of one session on one server', () => {
  it('share saves, so that there are far fewer saves than requests', async () => {
    const { saves } = await countUp(SummedCounter, { servers: 1 });
    expect(saves).toBeLessThan(REQUESTS / 5);
  });

  it('have instances of their own, because a shared instance loses increments', async () => {
    const shared = new SummedCounter();
    await inParallel(REQUESTS, WIDTH, async () => {
      const { value } = shared;
      await nextTurn();
      shared.value = value + 1;
    });
    expect(shared.value).toBeLessThan(REQUESTS);
  });
});

describe('parallel changes to different things', () => {
  it.each([1, 2])('all survive, in two fields of one bean and in two beans (%i server(s))', async (servers) => {
    const cluster = new SimulatedCluster({ servers, beans: [PlainCounter, SummedCounter], network: randomNetwork(7) });
    const client = await cluster.server(0).startSession((request) => {
      request.bean(PlainCounter).value = 1;
    });
    const changes = [
      (plain: PlainCounter) => void (plain.value = 10),
      (plain: PlainCounter) => void (plain.other = 20),
    ];
    const requests = changes.map((change, i) =>
      cluster.handle(i, client.copy(), async (request) => {
        const plain = request.bean(PlainCounter);
        await nextTurn();
        change(plain);
      }),
    );
    const third = cluster.handle(1, client.copy(), async (request) => {
      await nextTurn();
      request.bean(SummedCounter).value = 30;
    });
    await Promise.all([...requests, third]);
    expect(await cluster.stored(client, PlainCounter)).toMatchObject({ value: 10, other: 20 });
    expect(await cluster.stored(client, SummedCounter)).toMatchObject({ value: 30 });
    expect(cluster.leaked).toBe(0);
  });
});
