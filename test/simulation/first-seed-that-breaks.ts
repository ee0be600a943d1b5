import type { Invariant } from './invariants.js';
import { planSchedule } from './plan-schedule.js';
import { runSchedule } from './run-schedule.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

/** The first of `count` schedules in which a kind of store breaks an invariant, before any other. */
export async function firstSeedThatBreaks(
  invariant: Invariant,
  stores: () => StoreUnderSimulation,
  count: number,
): Promise<number | undefined> {
  for (let seed = 1; seed <= count; seed++) {
    const { violation } = await runSchedule(planSchedule(seed), stores());
    if (violation?.invariant === invariant) return seed;
  }
  return undefined;
}
