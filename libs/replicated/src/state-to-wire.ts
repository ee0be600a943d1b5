import { isTombstone } from './is-tombstone.js';
import type { SessionState } from './session-state.js';
import type { Tombstone } from './tombstone.js';
import type { WireState } from './wire-state.js';

export function stateToWire(state: SessionState | Tombstone): WireState {
  if (isTombstone(state)) return { x: state.endedAt, r: state.renewed, i: state.callId, f: state.isFinal };
  const { stamp, earlierStamps, lifetime, parts, createdAt, lastAccessedAt, joined, lock } = state;
  return {
    s: stamp,
    ...(earlierStamps && { e: earlierStamps }),
    l: [lifetime.idleTimeoutMs, lifetime.absoluteTimeoutMs, lifetime.unjoinedTimeoutMs],
    p: parts,
    c: createdAt,
    a: lastAccessedAt,
    j: joined,
    ...(lock && { k: [lock.token, lock.until] as const }),
  };
}
