import { TIMING_PHASES, type SessionRequestRecord } from 'nestjs-session-beans/observability';

/** The phases of a `Server-Timing` header in the form of a record. Phases that the header leaves out are 0. */
export function phasesOfHeader(header: string | undefined): Pick<SessionRequestRecord, 'phaseSeconds'> {
  const named = (phase: string): number =>
    Number(new RegExp(`(?:^|, )${phase};dur=([\\d.]+)`).exec(header ?? '')?.[1] ?? 0);
  const phaseSeconds = Object.fromEntries(TIMING_PHASES.map((phase) => [phase, named(phase) / 1_000]));
  return { phaseSeconds: phaseSeconds as unknown as SessionRequestRecord['phaseSeconds'] };
}
