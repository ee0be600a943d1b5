import type { Invariant } from './invariants.js';
import { planSchedule } from './plan-schedule.js';
import { runSchedule } from './run-schedule.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

/** For each of the first `count` schedules, the invariant that a store breaks first. */
export async function invariantsBrokenBy(count: number, stores: () => StoreUnderSimulation): Promise<Invariant[]> {
  const broken = new Set<Invariant>();
  for (let seed = 1; seed <= count; seed++) {
    const { violation } = await runSchedule(planSchedule(seed), stores());
    if (violation) broken.add(violation.invariant);
  }
  return [...broken];
}
