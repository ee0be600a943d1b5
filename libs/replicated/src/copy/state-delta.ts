import {
  type IdentityHistory,
  packParts,
  renewedHistory,
  type SessionLifetime,
  type SessionRenewal,
  unpackParts,
} from 'nestjs-session-beans/store-kit';
import { type EarlierWrites, rememberWrite } from './earlier-writes.js';
import type { Epoch } from './epoch.js';
import { type SessionLockState, type SessionState, writeIdOf } from './session-state.js';

/**
 * The difference that one change makes to a session; a field that is left out stays as it is. The primary and its
 * backup both apply it to their copies.
 */
export interface StateDelta {
  /** Present for a save: the parts that it writes get it as their version. */
  readonly stamp?: string;

  /** `[name, payload or null for a removed part, name, ...]`. */
  readonly parts?: readonly (string | null)[];

  /**
   * Present for a save that gives the session another id, or a login with it; `lastAccessedAt` says when. The parts
   * that it does not keep are among the removed ones.
   */
  readonly renewal?: Pick<SessionRenewal, 'proof' | 'principal'>;

  /** Present with `renewal`, once a primary makes the change: its epoch. */
  readonly renewedIn?: Epoch;

  readonly lifetime?: SessionLifetime;
  readonly lastAccessedAt?: number;

  /** The client has joined, and has confirmed its id. */
  readonly confirmed?: true;

  readonly lock?: SessionLockState | null;
}

/**
 * [S5] So many saves before the last one are recognised when they are sent again: by a client, or by a member whose
 * session was taken over while it saved, and which tries again after other saves. More are kept while saves follow
 * quickly upon each other.
 */
const EARLIER_WRITES = { usual: 7, inBurst: 128 } as const;

/** A save this long after the one before ends a burst. */
const BURST_MS = 5_000;

/** The state after the change. */
export function applyDelta(state: SessionState, delta: StateDelta): SessionState {
  const { stamp, parts, renewal, renewedIn, lifetime, lastAccessedAt = state.lastAccessedAt, confirmed, lock } = delta;
  const identity = renewal ? renewedHistory(state.identity, state.proof, renewal, lastAccessedAt) : state.identity;
  return {
    stamp: stamp ?? state.stamp,
    earlierWrites: stamp === undefined ? state.earlierWrites : earlierWrites(state, stamp, lastAccessedAt),
    lifetime: lifetime ?? state.lifetime,
    parts: parts === undefined || parts.length === 0 ? state.parts : changedParts(state, parts, stamp ?? state.stamp),
    proof: renewal?.proof ?? state.proof,
    identity,
    renewedIn: renewedIn ?? state.renewedIn,
    era: state.era,
    createdAt: isAnotherLogin(state.identity, identity) ? lastAccessedAt : state.createdAt,
    lastAccessedAt,
    joined: confirmed ?? state.joined,
    confirmed: renewal ? false : (confirmed ?? state.confirmed),
    lock: lock === undefined ? state.lock : (lock ?? undefined),
  };
}

/** [I14] One principal has taken the place of another: a session of its own begins. */
function isAnotherLogin(before: IdentityHistory, after: IdentityHistory): boolean {
  return before.principal !== undefined && after.logins > before.logins;
}

function earlierWrites(state: SessionState, stamp: string, now: number): EarlierWrites {
  const isBurst = now - state.lastAccessedAt < BURST_MS;
  const most = isBurst ? EARLIER_WRITES.inBurst : EARLIER_WRITES.usual;
  return rememberWrite(state.earlierWrites, writeIdOf(state.stamp), writeIdOf(stamp), most);
}

function changedParts(
  state: SessionState,
  changes: readonly (string | null)[],
  version: string,
): SessionState['parts'] {
  const parts = unpackParts(state.parts);
  for (let at = 0; at < changes.length; at += 2) {
    const name = changes[at] as string;
    const payload = changes[at + 1] ?? null;
    if (payload === null) parts.delete(name);
    else parts.set(name, { version, payload });
  }
  return packParts(parts);
}

/** The same change by another clock. */
export function shiftDelta(delta: StateDelta, aheadMs: number): StateDelta {
  const { lastAccessedAt, lock } = delta;
  return {
    ...delta,
    ...(lastAccessedAt !== undefined && { lastAccessedAt: lastAccessedAt + aheadMs }),
    ...(lock && { lock: { token: lock.token, until: lock.until + aheadMs } }),
  };
}
