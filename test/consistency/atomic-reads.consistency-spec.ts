import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { rounds } from '../support/rounds.js';
import { SimulatedCluster, type SimulatedClusterOptions, inParallel } from './simulated-cluster.js';
import { PlainCounter, SummedCounter, Tally } from './counters.js';
import { plantedFaults } from './planted-faults.js';
import { randomNetwork } from './remote-store.js';

/** Each request writes its number into two beans. Counts the requests that read two different numbers. */
async function tornReads(options: Pick<SimulatedClusterOptions, 'servers' | 'plant'>): Promise<number> {
  const cluster = new SimulatedCluster({ ...options, beans: [PlainCounter, SummedCounter], network: randomNetwork(3) });
  const client = await cluster.server(0).startSession();
  let torn = 0;
  await inParallel(rounds(200, 400), 8, (i) =>
    cluster.handle(i, client.copy(), async (request) => {
      const first = request.bean(PlainCounter).value;
      await nextTurn();
      if (request.bean(SummedCounter).value !== first) torn++;
      if (i % 2 === 0) return;
      request.bean(PlainCounter).value = i;
      await nextTurn();
      request.bean(SummedCounter).value = i;
    }),
  );
  expect(cluster.leaked).toBe(0);
  return torn;
}

/**
 * Sends requests in sequence, each to another server, while other requests keep all servers busy with the same session.
 * Counts the requests that miss the change of the one before.
 */
async function staleReads(options: Pick<SimulatedClusterOptions, 'plant'>): Promise<number> {
  const cluster = new SimulatedCluster({
    ...options,
    servers: 3,
    beans: [SummedCounter, Tally],
    network: randomNetwork(5),
  });
  const client = await cluster.server(0).startSession();
  // The session stays live on each server while these requests run.
  const long = await Promise.all(cluster.servers.map((server) => server.request(client.copy()).begin()));
  let stale = 0;
  const others = { areOver: false };
  const running = inParallel(3, 3, async (server) => {
    for (let i = 0; !others.areOver; i++) {
      await cluster.handle(server, client.copy(), (request) => request.bean(Tally).add(`${server}.${i % 20}`));
    }
  });
  for (let i = 0; i < rounds(60, 200); i++) {
    await cluster.handle(i, client, (request) => {
      if (request.bean(SummedCounter).value !== i) stale++;
      request.bean(SummedCounter).value = i + 1;
    });
  }
  others.areOver = true;
  await running;
  for (const request of long) request.end();
  expect(cluster.leaked).toBe(0);
  return stale;
}

describe('a request', () => {
  it.each([1, 2, 4])(
    'reads two beans in the state of one moment while others write both (%i server(s))',
    async (servers) => {
      expect(await tornReads({ servers })).toBe(0);
    },
  );

  it('would read torn states from a store that writes bean by bean', async () => {
    expect(await tornReads({ servers: 2, plant: plantedFaults.savesPartByPart })).toBeGreaterThan(0);
  });

  it('sees the changes of earlier requests of its client on any server', async () => {
    expect(await staleReads({})).toBe(0);
  });

  it('would read stale states if a live session were not re-validated', async () => {
    expect(await staleReads({ plant: plantedFaults.saysUnchanged })).toBeGreaterThan(0);
  });
});
