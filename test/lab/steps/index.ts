import type { Step } from '../step.js';
import { faultSteps } from './faults.js';
import { usable } from './usable.js';

/** All steps, in the order in which a pattern is played: those that share servers stand together. */
export const steps: readonly Step[] = [usable, ...faultSteps];
