import { describe, expect, it } from '@jest/globals';
import { SessionEndedError, type SessionStore } from 'nestjs-session-beans';
import { accessOf } from '../../libs/session/src/store/session-id.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import type { SimulatedRequest } from './simulated-server.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { plantedFaults, plantedIdentityFaults } from './planted-faults.js';
import { SummedCounter } from './counters.js';

interface Ending {
  readonly how: string;
  readonly end: (request: SimulatedRequest, clock: ManualClock) => Promise<void>;

  /** The answer of the store to the id of before. */
  readonly answer: 'none' | 'superseded';

  /** A store in which the session is alive afterwards. */
  readonly plant: (store: SessionStore) => SessionStore;
}

const endings: Ending[] = [
  {
    how: 'a logout',
    end: (request) => request.invalidate(),
    answer: 'none',
    plant: plantedFaults.writesBack,
  },
  {
    how: 'a new id',
    end(request) {
      request.renewId();
      return request.commit();
    },
    answer: 'superseded',
    plant: plantedIdentityFaults.opensWithFormerIds,
  },
  {
    how: 'expiry',
    end: async (_request, clock) => clock.advance(1_800_001),
    answer: 'none',
    plant: plantedFaults.writesBack,
  },
];

/** Lets a request that began before the end of the session write after it. */
async function slowWriter(
  { end }: Ending,
  server: number,
  plant?: (store: SessionStore) => SessionStore,
): Promise<Record<'error' | 'exists' | 'stored' | 'leaked' | 'handedOut', unknown>> {
  const clock = new ManualClock();
  const cluster = new SimulatedCluster({ servers: 2, beans: [SummedCounter], clock, plant });
  const client = await cluster.server(0).startSession();
  const slow = await cluster.server(0).request(client.copy()).begin();
  slow.bean(SummedCounter).value = 1;
  const ending = await cluster.server(server).request(client.copy()).begin();
  await end(ending, clock);
  ending.end();
  const error: unknown = await slow.respond().catch((reason: unknown) => reason);
  const after = await cluster.server(0).request(client.copy()).begin();
  const { exists } = after;
  after.end();
  const { outcome: stored } = await cluster.store.load(accessOf(client.id as string));
  return { error, exists, stored, leaked: cluster.leaked, handedOut: slow.handedOut };
}

describe.each(endings)('after $how', (ending) => {
  it.each([
    ['the same', 0],
    ['another', 1],
  ])('R20 R21 on %s server, a slow writer gets 409, and the session is gone', async (_where, server) => {
    const { error, ...rest } = await slowWriter(ending, server);
    expect(error).toBeInstanceOf(SessionEndedError);
    expect(rest).toEqual({ exists: false, stored: ending.answer, leaked: 0, handedOut: undefined });
  });

  it('a store with a fault keeps the session alive, so that the test can fail', async () => {
    const result = await slowWriter(ending, 1, ending.plant);
    expect(result).toMatchObject({ error: undefined, exists: true, stored: 'found' });
  });
});
