import { runSchedule } from './run-schedule.js';
import type { Schedule } from './schedule.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

/** Leaves out steps as long as what is left breaks the same invariant: what is easier to read. */
export async function shrinkSchedule(schedule: Schedule, stores: () => StoreUnderSimulation): Promise<Schedule> {
  const broken = (await runSchedule(schedule, stores())).violation?.invariant;
  if (broken === undefined) return schedule;
  let smallest = schedule;
  for (let size = Math.ceil(schedule.steps.length / 2); size >= 1; size = size > 1 ? Math.ceil(size / 2) : 0) {
    for (let from = 0; from < smallest.steps.length;) {
      const smaller = { ...smallest, steps: smallest.steps.toSpliced(from, size) };
      const { violation } = await runSchedule(smaller, stores());
      if (violation?.invariant === broken) smallest = smaller;
      else from += size;
    }
  }
  return smallest;
}
