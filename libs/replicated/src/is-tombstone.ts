import type { SessionState } from './session-state.js';
import type { Tombstone } from './tombstone.js';

export function isTombstone(state: SessionState | Tombstone): state is Tombstone {
  return 'endedAt' in state;
}
