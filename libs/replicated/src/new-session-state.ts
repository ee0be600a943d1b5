import type { SessionChange, SessionLifetime } from 'nestjs-session-beans/store-kit';
import type { SessionState } from './session-state.js';

/** The state that a creation makes. */
export function newSessionState(change: SessionChange, lifetime: SessionLifetime, now: number): SessionState {
  const { writeId, createdAt, parts } = change;
  const { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs } = lifetime;
  const stamp = `1.${writeId}`;
  const packed = [...parts].flatMap(([name, { payload }]) => (payload === null ? [] : [name, stamp, payload]));
  return {
    stamp,
    earlierStamps: undefined,
    lifetime: { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs },
    parts: packed.slice(),
    createdAt: createdAt ?? now,
    lastAccessedAt: now,
    // A session that goes on under a new id has a client that keeps ids.
    joined: createdAt !== undefined,
    lock: undefined,
  };
}
