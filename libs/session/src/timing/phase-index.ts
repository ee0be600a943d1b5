import { TIMING_PHASES, type TimingPhase } from './timing-phase.js';

/** Where a phase stands in TIMING_PHASES. A request is measured with numbers: they cost less than names. */
export const phaseIndex = Object.freeze(
  Object.fromEntries(TIMING_PHASES.map((phase, index) => [phase, index])),
) as Readonly<Record<TimingPhase, number>>;
