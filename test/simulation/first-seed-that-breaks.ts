import type { Invariant } from './invariants.js';
import { planSchedule } from './plan-schedule.js';
import { runSchedule } from './run-schedule.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

/**
 * Finds the first of `count` seeds, from `first` on, whose schedule makes a store break this invariant before any
 * other.
 */
export async function firstSeedThatBreaks(
  invariant: Invariant,
  stores: () => StoreUnderSimulation,
  count: number,
  first = 1,
  isBusy = false,
): Promise<number | undefined> {
  for (let seed = first; seed < first + count; seed++) {
    const { violation } = await runSchedule(planSchedule(seed, isBusy), stores());
    if (violation?.invariant === invariant) return seed;
  }
  return undefined;
}
