import { expect } from '@jest/globals';
import { describeFailures } from './describe-failures.js';
import { replicatedStores } from './replicated-stores.js';
import { type SchedulesSummary, runSchedules } from './run-schedules.js';

/**
 * Runs `count` schedules of the replicated store, from the seed `first` on.
 * @returns how often each kind of answer and event occurred
 * @throws Error that describes the first `enough` failures, with the seeds that repeat them
 */
export async function expectPromisesKept(
  first: number,
  count: number,
  enough = 1,
): Promise<SchedulesSummary['counts']> {
  const { failures, counts } = await runSchedules(replicatedStores, { first, count, enough });
  if (failures.length > 0) throw new Error(await describeFailures(failures, replicatedStores));
  expect(counts.get('answered ok')).toBeGreaterThan(count * 10);
  expect(counts.get('promoted')).toBeGreaterThan(count);
  return counts;
}
