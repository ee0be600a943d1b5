import type { StorePhase } from './phase-tracer.js';
import type { RequestTiming } from './request-timing.js';

/** Runs `work`, which asks the store, as a phase of the request, if that is measured. */
export function timed<T>(timing: RequestTiming | undefined, phase: StorePhase, work: () => Promise<T>): Promise<T> {
  return timing ? timing.during(phase, work) : work();
}
