import { TIMING_PHASES, type SessionRequestRecord, type TimingPhase } from 'nestjs-session-beans/observability';

/** All phases together, in seconds. */
export function sumOfPhases({ phases }: Pick<SessionRequestRecord, 'phases'>): number {
  return TIMING_PHASES.reduce((sum, phase) => sum + phases[phase], 0);
}

/** The phase that took longest. @throws when none took any time: then nothing was measured */
export function dominantPhase({ phases }: Pick<SessionRequestRecord, 'phases'>): TimingPhase {
  if (sumOfPhases({ phases }) <= 0) throw new Error('no phase took any time');
  return TIMING_PHASES.reduce((most, phase) => (phases[phase] > phases[most] ? phase : most));
}

/** The phase that took longest of those in which something was done for the request: a busy machine makes any of them wait for the event loop. */
export function dominantWork({ phases }: Pick<SessionRequestRecord, 'phases'>): TimingPhase {
  return dominantPhase({ phases: { ...phases, queue: 0 } });
}

/** What several requests spent in each phase. */
export function together(
  records: readonly Pick<SessionRequestRecord, 'phases'>[],
): Pick<SessionRequestRecord, 'phases'> {
  const spent = (phase: TimingPhase): number => records.reduce((sum, { phases }) => sum + phases[phase], 0);
  const phases = Object.fromEntries(TIMING_PHASES.map((phase) => [phase, spent(phase)]));
  return { phases: phases as Record<TimingPhase, number> };
}
