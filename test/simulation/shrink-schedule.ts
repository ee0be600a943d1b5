import { runSchedule } from './run-schedule.js';
import type { Schedule } from './schedule.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

/** Removes steps as long as the rest still breaks the same invariant. A shorter schedule is easier to understand. */
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
