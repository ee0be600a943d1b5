import { isTombstone } from './is-tombstone.js';
import type { SessionState } from './session-state.js';
import type { Tombstone } from './tombstone.js';

/** Whether the session has ended for good. */
export function isEnded(state: SessionState | Tombstone): state is Tombstone {
  return isTombstone(state) && state.isFinal;
}
