import { describe, expect, it } from '@jest/globals';
import { describeFailures, describeSchedule } from './describe-failures.js';
import { expectPromisesKept } from './expect-promises-kept.js';
import { firstSeedThatBreaks } from './first-seed-that-breaks.js';
import { invariantsBrokenBy } from './invariants-broken-by.js';
import { naiveReplicatedStores } from './naive-replicated-store.js';
import { planSchedule } from './plan-schedule.js';
import { plantedEvictionBugs } from './planted-eviction-bugs.js';
import { plantedGroupBugs } from './planted-group-bugs.js';
import { plantedReplicationBugs } from './planted-replication-bugs.js';
import { replicatedStores } from './replicated-stores.js';
import { runSchedule } from './run-schedule.js';
import { runSchedules } from './run-schedules.js';
import { shrinkSchedule } from './shrink-schedule.js';
import { singleCopyStores } from './single-copy-store.js';

/**
 * all-schedules.stress-spec.ts runs 10,000 schedules. `SCHEDULES=n` sets how many run here, `FIRST=n` the first seed,
 * and `ENOUGH=n` the number of failures after which the run stops. `SEED=n` runs one schedule and prints its trace;
 * `SHRINK=1` first removes the steps that the failure does not need.
 */
const { SCHEDULES = '100', FIRST = '1', ENOUGH = '1', SEED, SHRINK } = process.env;

describe('F25 replicated sessions, in any schedule of requests, crashes, stops and network faults', () => {
  if (SEED !== undefined) {
    it(`keep their promises in schedule ${SEED}`, async () => {
      const planned = planSchedule(Number(SEED));
      const schedule = SHRINK === undefined ? planned : await shrinkSchedule(planned, replicatedStores);
      const result = await runSchedule(schedule, replicatedStores(), true);
      console.log(describeSchedule(result));
      expect(result.violation).toBeUndefined();
    });
    return;
  }

  it('keep their promises', async () => {
    const counts = await expectPromisesKept(Number(FIRST), Number(SCHEDULES), Number(ENOUGH));
    if (process.env['SCHEDULES'] !== undefined) console.log(counts);
  }, 1_800_000);
});

describe('the simulation', () => {
  it.each(Object.entries({ ...plantedReplicationBugs, ...plantedEvictionBugs, ...plantedGroupBugs }))(
    'finds a store that %s',
    async (_name, { stores, breaks, from, isOfGroups }) => {
      const seed = await firstSeedThatBreaks(breaks, stores, 3_000, from, isOfGroups);
      expect(seed).toBeDefined();
    },
    600_000,
  );

  it('finds no violation in a store with a single copy that never fails', async () => {
    const { failures, counts } = await runSchedules(singleCopyStores, { count: 200 });
    if (failures.length > 0) throw new Error(await describeFailures(failures, singleCopyStores));
    expect(counts.get('answered ok')).toBeGreaterThan(4_000);
  });

  it('finds the violations of a primary and a backup without epochs', async () => {
    const broken = await invariantsBrokenBy(300, naiveReplicatedStores);
    expect(broken).toEqual(
      expect.arrayContaining(['nothingLost', 'witness', 'freshReads', 'noResurrection', 'honestLoss']),
    );
  });

  it('repeats a run exactly for the same seed', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const runs = [1, 2].map(() => runSchedule(planSchedule(seed), replicatedStores(), true));
      const [once, again] = await Promise.all(runs);
      expect(again?.trace).toBe(once?.trace);
    }
  });
});
