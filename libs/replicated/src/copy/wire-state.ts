import { ANONYMOUS, type IdentityHistory } from 'nestjs-session-beans/store-kit';
import type { EarlierWrites } from './earlier-writes.js';
import type { Owners } from './epoch.js';
import type { Replica } from './replica.js';
import type { SessionState } from './session-state.js';
import { isTombstone, type Tombstone } from './tombstone.js';

/** Sessions have this era until all of them are ended for the first time. */
const FIRST_ERA = 1;

/** A state on its way between members. Times are by the sender's clock. */
export type WireState = WireLivingState | WireTombstone;

export interface WireLivingState {
  readonly s: string;
  /** Earlier writes; left out where there are none. */
  readonly e?: EarlierWrites;
  /** Idle, absolute and unjoined timeout. */
  readonly l: readonly [number, number, number];
  /** Name, version, payload, name, ... */
  readonly p: readonly string[];
  /** Proof. */
  readonly o: string;
  /** Left out for a session without renewal and login. */
  readonly h?: WireHistory;
  /** Renewed in: counter and node. */
  readonly r?: readonly [number, string];
  /** Era; left out for the first. */
  readonly n?: number;
  readonly c: number;
  readonly a: number;
  readonly j: boolean;
  /** Confirmed. */
  readonly v: boolean;
  readonly k?: readonly [string, number];
}

/** Generation, logins, principal, authenticated at, and former proofs with the times when they were replaced. */
type WireHistory = readonly [number, number, string | null, number | null, readonly (readonly [string, number])[]];

export interface WireTombstone {
  readonly x: number;
  readonly g: number;
  readonly i: string;
}

export function tombstoneToWire({ until, generation, callId }: Tombstone): WireTombstone {
  return { x: until, g: generation, i: callId };
}

/** @param aheadMs see `stateFromWire` */
export function tombstoneFromWire({ x, g, i }: WireTombstone, aheadMs: number): Tombstone {
  return { until: x + aheadMs, generation: g, callId: i };
}

export function stateToWire(state: SessionState | Tombstone): WireState {
  return isTombstone(state) ? tombstoneToWire(state) : livingToWire(state);
}

export function livingToWire(state: SessionState): WireLivingState {
  const { stamp, earlierWrites, lifetime, parts, proof, identity, renewedIn, era, lock } = state;
  return {
    s: stamp,
    ...(earlierWrites !== '' && { e: earlierWrites }),
    l: [lifetime.idleTimeoutMs, lifetime.absoluteTimeoutMs, lifetime.unjoinedTimeoutMs],
    p: parts,
    o: proof,
    ...((identity.generation > 0 || identity.logins > 0) && { h: historyToWire(identity) }),
    ...(renewedIn && { r: [renewedIn.counter, renewedIn.node] as const }),
    ...(era !== FIRST_ERA && { n: era }),
    c: state.createdAt,
    a: state.lastAccessedAt,
    j: state.joined,
    v: state.confirmed,
    ...(lock && { k: [lock.token, lock.until] as const }),
  };
}

function historyToWire({ generation, logins, principal, authenticatedAt, former }: IdentityHistory): WireHistory {
  const replaced = former.map(({ proof, replacedAt }) => [proof, replacedAt] as const);
  return [generation, logins, principal ?? null, authenticatedAt ?? null, replaced];
}

/**
 * @param aheadMs the difference of this member's clock to the sender's, and the time on the way: it is added to all
 * times
 */
export function stateFromWire(wire: WireState, aheadMs: number): SessionState | Tombstone {
  return 'x' in wire ? tombstoneFromWire(wire, aheadMs) : livingFromWire(wire, aheadMs);
}

/** @param aheadMs see `stateFromWire` */
export function livingFromWire(wire: WireLivingState, aheadMs: number): SessionState {
  const [idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs] = wire.l;
  return {
    stamp: wire.s,
    earlierWrites: wire.e ?? '',
    lifetime: { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs },
    parts: wire.p,
    proof: wire.o,
    identity: wire.h ? historyFromWire(wire.h, aheadMs) : ANONYMOUS,
    renewedIn: wire.r && { counter: wire.r[0], node: wire.r[1] },
    era: wire.n ?? FIRST_ERA,
    createdAt: wire.c + aheadMs,
    lastAccessedAt: wire.a + aheadMs,
    joined: wire.j,
    confirmed: wire.v,
    lock: wire.k && { token: wire.k[0], until: wire.k[1] + aheadMs },
  };
}

function historyFromWire(
  [generation, logins, principal, authenticatedAt, former]: WireHistory,
  aheadMs: number,
): IdentityHistory {
  return {
    generation,
    logins,
    principal: principal ?? undefined,
    authenticatedAt: authenticatedAt === null ? undefined : authenticatedAt + aheadMs,
    former: former.map(([proof, replacedAt]) => ({ proof, replacedAt: replacedAt + aheadMs })),
  };
}

/** The place of a copy, on its way to another member. */
export interface WirePlace extends Owners {
  readonly seq: number;
  readonly lineage: string;
}

/** A copy on its way to a member that has claimed it. */
export interface WireCopy extends WirePlace {
  readonly state: WireState;

  /** When it was sent, by the sender's wall clock. */
  readonly at: number;
}

export function placeToWire({ counter, node, backup, seq, lineage }: Replica): WirePlace {
  return { counter, node, backup, seq, lineage };
}

/** @param now by the wall clock of this member */
export function copyToWire(replica: Replica, now: number): WireCopy {
  return { ...placeToWire(replica), state: stateToWire(replica.state), at: now };
}
