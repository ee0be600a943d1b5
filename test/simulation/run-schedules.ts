import { planSchedule } from './plan-schedule.js';
import { type ScheduleResult, runSchedule } from './run-schedule.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

export interface SchedulesSummary {
  /** The first schedules that failed. */
  readonly failures: readonly ScheduleResult[];

  /** How often each kind of answer and event occurred in all schedules. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Runs the schedules of `count` seeds from `first` on, until `enough` of them have failed. */
export async function runSchedules(
  stores: () => StoreUnderSimulation,
  { first = 1, count, enough = 1 }: { readonly first?: number; readonly count: number; readonly enough?: number },
): Promise<SchedulesSummary> {
  const counts = new Map<string, number>();
  const failures: ScheduleResult[] = [];
  for (let seed = first; seed < first + count && failures.length < enough; seed++) {
    const result = await runSchedule(planSchedule(seed), stores());
    if (result.violation) failures.push(result);
    for (const [name, times] of result.counts) counts.set(name, (counts.get(name) ?? 0) + times);
  }
  return { failures, counts };
}
