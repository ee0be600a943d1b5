import {
  type IdentityHistory,
  newHistory,
  ownText,
  type PackedParts,
  recordOf,
  type SessionCreation,
  sessionExpiry,
  type SessionLifetime,
  type SessionRank,
  type SessionRecord,
  type SessionTimes,
} from 'nestjs-session-beans/store-kit';
import type { Epoch } from './epoch.js';

/**
 * A living session as a member keeps it. It is never changed: a change makes a new one, so a copy that is being sent
 * stays as it is.
 */
export interface SessionState {
  readonly stamp: string;

  /** [S5] Stamps of the saves before the last one, oldest first. Most sessions have none or few. */
  readonly earlierStamps: readonly string[] | undefined;

  readonly lifetime: SessionLifetime;
  readonly parts: PackedParts;

  /** Proof of the present id. */
  readonly proof: string;

  /** The rest of its identity. Its generation orders copies: see `outranks`. */
  readonly identity: IdentityHistory;

  /** The epoch in which the id was renewed last, see `isVoid`; undefined when it never was. */
  readonly renewedIn: Epoch | undefined;

  /** Times are by the clock of the member that keeps the state. */
  readonly createdAt: number;
  readonly lastAccessedAt: number;

  readonly joined: boolean;
  readonly confirmed: boolean;
  readonly lock: SessionLockState | undefined;
}

export interface SessionLockState {
  readonly token: string;
  readonly until: number;
}

/** The first state of a session. */
export function newSessionState(change: SessionCreation, now: number): SessionState {
  const { writeId, proof, principal, lifetime, parts } = change;
  const { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs } = lifetime;
  const stamp = `1.${writeId}`;
  const packed = [...parts].flatMap(([name, { payload }]) => (payload === null ? [] : [name, stamp, payload]));
  return {
    stamp,
    earlierStamps: undefined,
    lifetime: { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs },
    parts: packed.slice(),
    proof: ownText(proof),
    identity: newHistory(principal, now),
    renewedIn: undefined,
    createdAt: now,
    lastAccessedAt: now,
    joined: false,
    confirmed: false,
    lock: undefined,
  };
}

/** Whose the session is, as far as room goes. */
export function rankOf({ identity, joined }: SessionState): SessionRank {
  if (identity.principal !== undefined) return joined ? 'principal' : 'login';
  return joined ? 'anonymous' : 'unjoined';
}

export function expiryOfState(state: SessionState): number {
  const { createdAt, lastAccessedAt, joined, lifetime, identity } = state;
  return sessionExpiry({ createdAt, authenticatedAt: identity.authenticatedAt, lastAccessedAt, joined }, lifetime);
}

export function hasExpired(state: SessionState, now: number): boolean {
  return expiryOfState(state) <= now;
}

export function timesOfState(state: SessionState): SessionTimes {
  const { createdAt, lastAccessedAt, joined, confirmed, identity } = state;
  const { authenticatedAt } = identity;
  return { createdAt, authenticatedAt, lastAccessedAt, expiresAt: expiryOfState(state), joined, confirmed };
}

/** @param times as the caller is told them; see [L5] */
export function recordOfState(state: SessionState, times: SessionTimes = timesOfState(state)): SessionRecord {
  const { proof, identity: history, stamp, lifetime, parts } = state;
  return recordOf({ proof, history, stamp, lifetime, parts }, times);
}

/** [S5] The stamp that the save with this write id got, if it was one of the last. */
export function stampOfWrite({ stamp, earlierStamps }: SessionState, writeId: string): string | undefined {
  const last = writeId.charCodeAt(writeId.length - 1);
  // Nearly all write ids differ in their last character already, and in a burst there are many to look at.
  const isIts = (text: string): boolean =>
    text.charCodeAt(text.length - 1) === last && text.endsWith(writeId) && text.at(-writeId.length - 1) === '.';
  return isIts(stamp) ? stamp : earlierStamps?.find(isIts);
}
