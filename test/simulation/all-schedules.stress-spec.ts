import { describe, it } from '@jest/globals';
import { expectPromisesKept } from './expect-promises-kept.js';

/**
 * The protocol was developed against this many schedules, which take ten minutes of one core. `npm test` runs fewer, in
 * replication.simulation-spec.ts.
 */
const SCHEDULES = 10_000;

describe('replicated sessions', () => {
  it(`keep their promises in ${SCHEDULES} schedules of requests, crashes, stops and network faults`, async () => {
    await expectPromisesKept(1, SCHEDULES);
  }, 3_600_000);
});
