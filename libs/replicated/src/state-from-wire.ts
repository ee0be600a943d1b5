import type { SessionState } from './session-state.js';
import type { Tombstone } from './tombstone.js';
import type { WireState } from './wire-state.js';

/** @param aheadMs what this member's clock is ahead of the sender's, and the time on the way: all times are shifted by it */
export function stateFromWire(wire: WireState, aheadMs: number): SessionState | Tombstone {
  if ('x' in wire) return { endedAt: wire.x + aheadMs, renewed: wire.r, callId: wire.i, isFinal: wire.f };
  const [idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs] = wire.l;
  return {
    stamp: wire.s,
    earlierStamps: wire.e,
    lifetime: { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs },
    parts: wire.p,
    createdAt: wire.c + aheadMs,
    lastAccessedAt: wire.a + aheadMs,
    joined: wire.j,
    lock: wire.k && { token: wire.k[0], until: wire.k[1] + aheadMs },
  };
}
