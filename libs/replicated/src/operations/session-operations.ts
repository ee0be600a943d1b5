import {
  changeParts,
  type LoadOptions,
  type LoadResult,
  type SaveResult,
  type SessionChange,
  sessionExpiry,
  type SessionTimes,
  unpackParts,
} from 'nestjs-session-beans/store-kit';
import { isTombstone, type NoSession, type Tombstone } from '../copy/tombstone.js';
import { recordOfState, type SessionState, stampOfWrite, timesOfState } from '../copy/session-state.js';
import type { StateDelta } from '../copy/state-delta.js';
import { ReplicationFailure } from '../protocol/replication-failure.js';

/**
 * The part of a store's method that looks at the session, and says how to change it. It may run again when the session
 * has changed its owners in the meantime.
 */
export interface SessionOperation<T> {
  /**
   * @param now ms since 1970
   * @param sentFrom the state from which an earlier attempt sent its change; it is not known whether the backup took
   * that
   * @throws ReplicationFailure when it cannot be found out whether that change was applied
   */
  onSession(state: SessionState, now: number, sentFrom?: SessionState): OperationOutcome<T>;

  onNone(none: NoSession): T;

  /** The operation is also for a session that has expired, as long as anything is left of it. */
  readonly ignoresExpiry?: boolean;
}

export interface OperationOutcome<T> {
  /** Is replicated before the answer is given. */
  readonly change?: StateDelta | Tombstone;

  /** @param after the state once the change is made */
  answer(after: SessionState | Tombstone): T;
}

/** A load changes a session only by joining, and by moving the end of life. */
export function loadOperation({ known, touchAfterMs }: LoadOptions): SessionOperation<LoadResult> {
  return {
    onSession: (state, now): OperationOutcome<LoadResult> => {
      const isDue = touchAfterMs !== undefined && (!state.joined || now - state.lastAccessedAt >= touchAfterMs);
      if (!isDue) return { answer: () => answerOf(state, known, timesOfState(state)) };
      const after = { createdAt: state.createdAt, lastAccessedAt: now, joined: true };
      return {
        change: { lastAccessedAt: now, joined: true },
        answer: () =>
          answerOf(state, known, { ...timesOfState(state), expiresAt: sessionExpiry(after, state.lifetime) }),
      };
    },
    onNone: ({ tombstone, lost }) => ({
      outcome: 'none',
      ...(tombstone?.renewed && { renewed: true as const }),
      ...(lost && { lost }),
    }),
  };
}

/** @param times [L5] the times from before, except the end of life */
function answerOf(state: SessionState, known: string | undefined, times: SessionTimes): LoadResult {
  if (state.stamp === known) return { outcome: 'unchanged', times };
  const { stamp, lifetime, parts } = state;
  return { outcome: 'found', record: { ...times, stamp, lifetime, parts: unpackParts(parts) } };
}

/** A save to a session that is there. A session that is not there is created by `beginSession`. */
export function saveOperation(change: SessionChange): SessionOperation<SaveResult> {
  return {
    onSession: (state, now, sentFrom) => {
      const { writeId, mode, lock } = change;
      const stamp = stampOfWrite(state, writeId);
      if (stamp === undefined && sentFrom && savesSince(state, sentFrom) > (state.earlierStamps?.length ?? 0) + 1) {
        throw new ReplicationFailure('its owners changed meanwhile, and whether the change was applied is not known');
      }
      if (stamp !== undefined) return answering({ outcome: 'saved', stamp, times: timesOfState(state) });
      if (lock !== undefined && !holdsLock(state, lock, now)) return answering({ outcome: 'unlocked' });
      if (mode === 'create') return answering({ outcome: 'conflict', record: recordOfState(state) });
      return update(state, change, now);
    },
    onNone: ({ lost }) => ({ outcome: 'gone', ...(lost && { lost }) }),
  };
}

function update(state: SessionState, change: SessionChange, now: number): OperationOutcome<SaveResult> {
  const stamp = `${Number.parseInt(state.stamp, 10) + 1}.${change.writeId}`;
  if (!changeParts(state.parts, change.parts, stamp)) {
    return answering({ outcome: 'conflict', record: recordOfState(state) });
  }
  const { lifetime } = change;
  return {
    change: {
      stamp,
      parts: [...change.parts].flatMap(([name, { payload }]) => [name, payload]),
      lastAccessedAt: now,
      ...(lifetime && { lifetime: { ...lifetime } }),
    },
    answer: (after): SaveResult =>
      isTombstone(after) ? { outcome: 'gone' } : { outcome: 'saved', stamp, times: timesOfState(after) },
  };
}

function savesSince(state: SessionState, before: SessionState): number {
  return Number.parseInt(state.stamp, 10) - Number.parseInt(before.stamp, 10);
}

function holdsLock({ lock }: SessionState, token: string, now: number): boolean {
  return lock?.token === token && lock.until > now;
}

function answering(result: SaveResult): OperationOutcome<SaveResult> {
  return { answer: () => result };
}

/** @param callId tells a destroy that is sent again, because its first answer was lost, from that of another caller */
export function destroyOperation(ifStamp: string | undefined, callId: string): SessionOperation<boolean> {
  return {
    onSession: (state, now) => {
      if (ifStamp !== undefined && state.stamp !== ifStamp) return { answer: () => false };
      // Only a renewal names a stamp: the session goes on under another key.
      return { change: { endedAt: now, renewed: ifStamp !== undefined, callId, isFinal: false }, answer: () => true };
    },
    onNone: ({ tombstone }) => tombstone?.callId === callId,
  };
}

/** Moves the end of life as a request does. */
export const touchOperation: SessionOperation<boolean> = {
  onSession: (_state, now) => ({ change: { lastAccessedAt: now }, answer: () => true }),
  onNone: () => false,
};

/** The lock is part of the session's state, so it moves with the session when that changes its owners. */
export function lockOperation(token: string, leaseMs: number): SessionOperation<boolean> {
  return {
    onSession: ({ lock }, now) => {
      if (lock && lock.token !== token && lock.until > now) return { answer: () => false };
      return { change: { lock: { token, until: now + leaseMs } }, answer: () => true };
    },
    // Nobody else can have it either, and a save under it is answered with `gone`.
    onNone: () => true,
    ignoresExpiry: true,
  };
}

export function unlockOperation(token: string): SessionOperation<void> {
  return {
    onSession: ({ lock }) => ({
      ...(lock?.token === token && { change: { lock: null } }),
      answer: () => undefined,
    }),
    onNone: () => undefined,
    ignoresExpiry: true,
  };
}
