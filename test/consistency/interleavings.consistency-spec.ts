import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { SessionStore } from 'nestjs-session-beans';
import { rounds } from '../support/rounds.js';
import { interleavings, runInterleaving } from './interleaving.js';
import { plantedFaults, plantedIdentityFaults } from './planted-faults.js';

const property = (plant?: (store: SessionStore) => SessionStore) =>
  fc.asyncProperty(interleavings, fc.scheduler(), (interleaving, scheduler) =>
    runInterleaving(interleaving, scheduler, plant),
  );

describe('any interleaving of all steps of requests on 1 to 3 servers, with lost calls and replies', () => {
  // The same run is the same again, whatever the machine is doing.
  beforeAll(() => {
    jest.spyOn(performance, 'now').mockReturnValue(1_000_000);
  });
  afterAll(() => {
    jest.restoreAllMocks();
  });

  it('stores exactly what was accepted, shows whole states of nobody else, ends for good, leaks nothing', async () => {
    await fc.assert(property(), { numRuns: rounds(150, 4_000) });
  });

  it.each(Object.entries({ ...plantedFaults, ...plantedIdentityFaults }))(
    'fails with a store that has the fault %s',
    async (_name, plant) => {
      const details = await fc.check(property(plant), { numRuns: 3_000, endOnFailure: true });
      expect(details.failed).toBe(true);
    },
  );
});
