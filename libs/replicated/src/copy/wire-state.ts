import { isTombstone, type Tombstone } from './tombstone.js';
import type { SessionState } from './session-state.js';
import type { Replica } from './replica.js';
import type { Owners } from './epoch.js';

/** A state on its way between members. Times are by the sender's clock. */
export type WireState =
  | {
      readonly s: string;
      readonly e?: readonly string[];
      /** Idle, absolute and unjoined timeout. */
      readonly l: readonly [number, number, number];
      /** Name, version, payload, name, ... */
      readonly p: readonly string[];
      readonly c: number;
      readonly a: number;
      readonly j: boolean;
      readonly k?: readonly [string, number];
    }
  /** A tombstone. */
  | { readonly x: number; readonly r: boolean; readonly i: string; readonly f: boolean };

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

/**
 * @param aheadMs the difference of this member's clock to the sender's, and the time on the way: it is added to all
 * times
 */
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

/** A copy on its way to a member that has claimed it. */
export interface WireCopy extends Owners {
  readonly seq: number;
  readonly lineage: string;
  readonly state: WireState;

  /** When it was sent, by the sender's wall clock. */
  readonly at: number;
}

/** @param now by the wall clock of this member */
export function copyToWire({ counter, node, backup, seq, state, lineage }: Replica, now: number): WireCopy {
  return { counter, node, backup, seq, lineage, state: stateToWire(state), at: now };
}
