import { describe, it } from '@jest/globals';
import { expectPromisesKept } from './expect-promises-kept.js';

/** As many as the protocol was built with; ten minutes of one core. What `npm test` runs of them is in replication.simulation-spec.ts. */
const SCHEDULES = 10_000;

describe('replicated sessions', () => {
  it(`keep their promises in ${SCHEDULES} schedules of requests, crashes, stops and network faults`, async () => {
    await expectPromisesKept(1, SCHEDULES);
  }, 3_600_000);
});
