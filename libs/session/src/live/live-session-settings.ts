import type { Clock } from '../store/clock.js';

/** What live sessions read of the module's options. */
export interface LiveSessionSettings {
  readonly clock: Clock;
  readonly touchIntervalMs: number;
  readonly maxSessionBytes: number;
}
