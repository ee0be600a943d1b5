import { sessionExpiry, type SessionTimes } from 'nestjs-session-beans/store-kit';
import type { SessionState } from './session-state.js';

export function timesOfState(state: SessionState): SessionTimes {
  const { createdAt, lastAccessedAt, joined } = state;
  return { createdAt, lastAccessedAt, expiresAt: sessionExpiry(state, state.lifetime), joined };
}
