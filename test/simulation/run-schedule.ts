import { checkAfterwards } from './check-afterwards.js';
import type { Schedule } from './schedule.js';
import { Simulation } from './simulation.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';
import type { Violation } from './violations.js';

export interface ScheduleResult {
  readonly schedule: Schedule;
  readonly violation: Violation | undefined;
  readonly trace: string;
  readonly counts: ReadonlyMap<string, number>;
}

/** Runs a schedule to its end, or to the first violation. */
export async function runSchedule(
  schedule: Schedule,
  kind: StoreUnderSimulation,
  isTraced = false,
): Promise<ScheduleResult> {
  const world = new Simulation(schedule, kind, isTraced);
  await world.run();
  await checkAfterwards(world);
  world.close();
  // Node reports unhandled rejections when it has nothing else to do. Wait for that, so that Jest fails this test and
  // not a later one.
  await new Promise((resolve) => setImmediate(resolve));
  const violation = world.violations.firstUnless((session) => world.hasYielded(session));
  const { counts, trace } = world;
  return { schedule, violation, trace: trace.text, counts };
}
