import { SessionStateError } from '../errors/session-state.error.js';
import { RevivingWalk } from './reviving-walk.js';
import { stateKind } from './state-kind.js';
import type { CodecLimits } from './state-trail.js';

/**
 * The state that `encodeState` wrote. Every call makes new objects: two results share nothing.
 *
 * @param root the first part of the paths in errors: the name of the bean
 * @throws SessionStateError (`undecodable`) for any text that `encodeState` would not write
 */
export function decodeState(text: string, root: string, limits: CodecLimits): Record<string, unknown> {
  const state = needsWalk(text, limits)
    ? new RevivingWalk(root, limits.maxDepth).revived(parsed(text, root))
    : parsed(text, root);
  const kind = stateKind(state);
  if (kind !== 'object' && kind !== 'record') {
    throw new SessionStateError(root, 'was stored as something that is not an object', { reason: 'undecodable' });
  }
  return state as Record<string, unknown>;
}

function parsed(text: string, root: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SessionStateError(root, 'was stored as text that is not JSON', { cause, reason: 'undecodable' });
  }
}

/** Without a `$` at the start of a string there is no tag, and so short a text cannot be nested too deeply. */
function needsWalk(text: string, limits: CodecLimits): boolean {
  return text.length > 2 * limits.maxDepth || text.includes('"$') || text.includes('"\\u0024');
}
