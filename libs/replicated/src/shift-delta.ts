import type { StateDelta } from './state-delta.js';

/** The same change by another clock. */
export function shiftDelta(delta: StateDelta, aheadMs: number): StateDelta {
  const { lastAccessedAt, lock } = delta;
  return {
    ...delta,
    ...(lastAccessedAt !== undefined && { lastAccessedAt: lastAccessedAt + aheadMs }),
    ...(lock && { lock: { token: lock.token, until: lock.until + aheadMs } }),
  };
}
