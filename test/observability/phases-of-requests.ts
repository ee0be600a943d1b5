import { TIMING_PHASES, type SessionRequestRecord, type TimingPhase } from 'nestjs-session-beans/observability';

/** The sum of all phases, in seconds. */
export function sumOfPhases({ phaseSeconds }: Pick<SessionRequestRecord, 'phaseSeconds'>): number {
  return TIMING_PHASES.reduce((sum, phase) => sum + phaseSeconds[phase], 0);
}

/** The phase that took the longest time. @throws Error if no phase took any time, because then nothing was measured */
export function dominantPhase({ phaseSeconds }: Pick<SessionRequestRecord, 'phaseSeconds'>): TimingPhase {
  if (sumOfPhases({ phaseSeconds }) <= 0) throw new Error('no phase took any time');
  return TIMING_PHASES.reduce((most, phase) => (phaseSeconds[phase] > phaseSeconds[most] ? phase : most));
}

/** The longest phase apart from the queue. On a busy machine any request may wait long for the event loop. */
export function dominantWork({ phaseSeconds }: Pick<SessionRequestRecord, 'phaseSeconds'>): TimingPhase {
  return dominantPhase({ phaseSeconds: { ...phaseSeconds, queue: 0 } });
}

/** What each phase took in most of several requests: their median. A busy machine may hold one of them up anywhere. */
export function typical(
  records: readonly Pick<SessionRequestRecord, 'phaseSeconds'>[],
): Pick<SessionRequestRecord, 'phaseSeconds'> {
  const median = (phase: TimingPhase): number =>
    records.map(({ phaseSeconds }) => phaseSeconds[phase]).toSorted((a, b) => a - b)[records.length >> 1] ?? 0;
  const phaseSeconds = Object.fromEntries(TIMING_PHASES.map((phase) => [phase, median(phase)]));
  return { phaseSeconds: phaseSeconds as Record<TimingPhase, number> };
}
