import { type SessionRecord, unpackParts } from 'nestjs-session-beans/store-kit';
import type { SessionState } from './session-state.js';
import { timesOfState } from './times-of-state.js';

/** The whole session; its map belongs to the caller. */
export function recordOfState(state: SessionState): SessionRecord {
  const { stamp, lifetime, parts } = state;
  return { ...timesOfState(state), stamp, lifetime, parts: unpackParts(parts) };
}
