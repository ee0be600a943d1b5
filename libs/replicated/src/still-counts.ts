import { sessionExpiry } from 'nestjs-session-beans/store-kit';
import type { SessionState } from './session-state.js';

/** Whether the session has not expired. */
export function stillCounts(state: SessionState, now: number): boolean {
  return sessionExpiry(state, state.lifetime) > now;
}
