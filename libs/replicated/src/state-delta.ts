import type { SessionLifetime } from 'nestjs-session-beans/store-kit';
import type { SessionLockState } from './session-state.js';

/** What one change does to a session; what is left out stays. The primary and its backup both apply it to what they have. */
export interface StateDelta {
  /** Of a save: the parts it writes get it as their version. */
  readonly stamp?: string;

  /** `[name, payload or null for a removed part, name, ...]`. */
  readonly parts?: readonly (string | null)[];

  readonly lifetime?: SessionLifetime;
  readonly lastAccessedAt?: number;
  readonly joined?: true;
  readonly lock?: SessionLockState | null;
}
