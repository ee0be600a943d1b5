import {
  type IdentityHistory,
  newHistory,
  ownText,
  type PackedParts,
  recordOf,
  savesOf,
  type SessionCreation,
  sessionExpiry,
  type SessionLifetime,
  type SessionRank,
  type SessionRecord,
  type SessionTimes,
  stampAfter,
} from 'nestjs-session-beans/store-kit';
import { type EarlierWrites, indexOfWrite } from './earlier-writes.js';
import type { Epoch } from './epoch.js';

/**
 * A living session as a member keeps it. It is never changed: a change makes a new one, so a copy that is being sent
 * stays as it is.
 */
export interface SessionState {
  readonly stamp: string;

  /** [S5] The write ids of the saves before the last one. Most sessions have none or few. */
  readonly earlierWrites: EarlierWrites;

  readonly lifetime: SessionLifetime;
  readonly parts: PackedParts;

  /** Proof of the present id. */
  readonly proof: string;

  /** The rest of its identity. Its generation orders copies: see `outranks`. */
  readonly identity: IdentityHistory;

  /** The epoch in which the id was renewed last, see `isVoid`; undefined when it never was. */
  readonly renewedIn: Epoch | undefined;

  /** The era in which it began: see `Eras`. */
  readonly era: number;

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
export function newSessionState(change: SessionCreation, now: number, era: number): SessionState {
  const { writeId, proof, principal, lifetime, parts } = change;
  const { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs } = lifetime;
  const stamp = stampAfter(undefined, writeId);
  const packed = [...parts].flatMap(([name, { payload }]) => (payload === null ? [] : [name, stamp, payload]));
  return {
    stamp,
    earlierWrites: '',
    lifetime: { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs },
    parts: packed.slice(),
    proof: ownText(proof),
    identity: newHistory(principal, now),
    renewedIn: undefined,
    era,
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
  const { createdAt, lastAccessedAt, joined, confirmed, identity, era } = state;
  const { authenticatedAt } = identity;
  return { createdAt, authenticatedAt, lastAccessedAt, expiresAt: expiryOfState(state), joined, confirmed, era };
}

/** @param times as the caller is told them; see [L5] */
export function recordOfState(state: SessionState, times: SessionTimes = timesOfState(state)): SessionRecord {
  const { proof, identity: history, stamp, lifetime, parts } = state;
  return recordOf({ proof, history, stamp, lifetime, parts }, times);
}

/** [S5] The stamp that the save with this write id got, if it was one of the last. */
export function stampOfWrite({ stamp, earlierWrites }: SessionState, writeId: string): string | undefined {
  const last = writeIdOf(stamp);
  if (last === writeId) return stamp;
  const index = indexOfWrite(earlierWrites, last, writeId);
  return index === -1 ? undefined : `${savesOf(stamp) - 1 - index}.${writeId}`;
}

/** The write id of a stamp. */
export function writeIdOf(stamp: string): string {
  return stamp.slice(stamp.indexOf('.') + 1);
}
