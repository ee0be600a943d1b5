import {
  type PackedParts,
  type SessionChange,
  sessionExpiry,
  type SessionLifetime,
  type SessionRecord,
  type SessionTimes,
  unpackParts,
} from 'nestjs-session-beans/store-kit';

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

  /** Times are by the clock of the member that keeps the state. */
  readonly createdAt: number;
  readonly lastAccessedAt: number;

  readonly joined: boolean;
  readonly lock: SessionLockState | undefined;
}

export interface SessionLockState {
  readonly token: string;
  readonly until: number;
}

/** The first state of a session. */
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

export function timesOfState(state: SessionState): SessionTimes {
  const { createdAt, lastAccessedAt, joined } = state;
  return { createdAt, lastAccessedAt, expiresAt: sessionExpiry(state, state.lifetime), joined };
}

/** The whole session. Its map belongs to the caller. */
export function recordOfState(state: SessionState): SessionRecord {
  const { stamp, lifetime, parts } = state;
  return { ...timesOfState(state), stamp, lifetime, parts: unpackParts(parts) };
}

/** [S5] The stamp that the save with this write id got, if it was one of the last. */
export function stampOfWrite({ stamp, earlierStamps }: SessionState, writeId: string): string | undefined {
  const isIts = (text: string): boolean => text.endsWith(writeId) && text.at(-writeId.length - 1) === '.';
  return isIts(stamp) ? stamp : earlierStamps?.find(isIts);
}

export function hasExpired(state: SessionState, now: number): boolean {
  return sessionExpiry(state, state.lifetime) <= now;
}
