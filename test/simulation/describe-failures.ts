import { invariants } from './invariants.js';
import { type ScheduleResult, runSchedule } from './run-schedule.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

/**
 * A report for the developer who looks for the cause: the trace of the first failure, and a line for each of the
 * others.
 */
export async function describeFailures(
  failures: readonly ScheduleResult[],
  stores: () => StoreUnderSimulation,
): Promise<string> {
  const [first] = failures;
  if (!first) return 'nothing was found';
  const { trace } = await runSchedule(first.schedule, stores(), true);
  const others = failures.map(
    ({ schedule, violation }) => `${schedule.seed} ${schedule.kind}: ${violation?.invariant}: ${violation?.message}`,
  );
  return [describeSchedule({ ...first, trace }), '', ...others].join('\n');
}

export function describeSchedule({ schedule, violation, trace }: ScheduleResult): string {
  const { seed, kind, members, settings } = schedule;
  return [
    trace,
    '',
    `schedule ${seed} (${kind}): ${members} members, ${JSON.stringify(settings)}`,
    violation ? `breaks ${violation.invariant}: ${violation.message}` : 'breaks nothing',
    ...(violation ? [`that is: ${invariants[violation.invariant]}`] : []),
    `again: SEED=${seed} npm run test:jest -- replication.simulation (with SHRINK=1: fewer steps)`,
  ].join('\n');
}
