import type { Step } from '../step.js';
import { balancing } from './balancing.js';
import { consistency } from './consistency.js';
import { faultSteps } from './faults.js';
import { join } from './join.js';
import { resources } from './resources.js';
import { speed } from './speed.js';
import { findTroubles } from '../troubles/find.js';
import { usable } from './usable.js';

/** All steps, in the order in which a pattern is played. Those that share servers stand together, as far as may be. */
export const steps: readonly Step[] = [
  usable,
  balancing,
  speed,
  consistency,
  ...faultSteps,
  resources,
  join,
  findTroubles,
];
