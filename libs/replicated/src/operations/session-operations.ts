import {
  changeParts,
  type ClientAccess,
  type DestroyResult,
  type LoadOptions,
  type LoadResult,
  type LockResult,
  ownText,
  savesOf,
  type SaveResult,
  type SessionAccess,
  type SessionChange,
  sessionExpiry,
  type SessionRecord,
  type SessionTimes,
  type SessionUpdate,
  stampAfter,
  type TouchResult,
} from 'nestjs-session-beans/store-kit';
import { countWrites } from '../copy/earlier-writes.js';
import { type Evidence, evidenceOf } from '../copy/evidence.js';
import { recordOfState, type SessionState, stampOfWrite, timesOfState } from '../copy/session-state.js';
import type { StateDelta } from '../copy/state-delta.js';
import { isTombstone, type NoSession, type Tombstone, tombstoneOf } from '../copy/tombstone.js';
import { ReplicationFailure } from '../protocol/replication-failure.js';

/**
 * The part of a store's method that looks at the session, and says how to change it. It may run again when the session
 * has changed its owners in the meantime.
 */
export interface SessionOperation<T> {
  /**
   * Shows that the caller may use the session. Compared before anything else; undefined where the application made the
   * key itself a moment ago.
   */
  readonly evidence: Evidence | undefined;

  /**
   * @param now ms since 1970
   * @param sentFrom the state from which an earlier attempt sent its change; it is not known whether the backup took
   * that
   * @throws ReplicationFailure when it cannot be found out whether that change was applied
   */
  onSession(state: SessionState, now: number, sentFrom?: SessionState): OperationOutcome<T>;

  onNone(none: NoSession): T;
}

export interface OperationOutcome<T> {
  /** Is replicated before the answer is given. */
  readonly change?: StateDelta | Tombstone;

  /** @param after the state once the change is made */
  answer(after: SessionState | Tombstone): T;
}

/** A load changes a session only by joining, by confirming the id, and by moving the end of life. */
export function loadOperation(
  access: SessionAccess,
  { known, touchAfterMs }: LoadOptions,
): SessionOperation<LoadResult> {
  const isClient = access.proof !== undefined;
  return {
    evidence: evidenceOf(access),
    onSession: (state, now): OperationOutcome<LoadResult> => {
      const isNew = isClient && !state.confirmed;
      const isDue = touchAfterMs !== undefined && (isNew || now - state.lastAccessedAt >= touchAfterMs);
      const before = timesOfState(state);
      if (!isDue) return { answer: () => answerOf(state, known, before) };
      const joined = isClient || state.joined;
      const expiresAt = sessionExpiry({ ...before, lastAccessedAt: now, joined }, state.lifetime);
      return {
        change: { lastAccessedAt: now, ...(isClient && { confirmed: true }) },
        answer: () => answerOf(state, known, { ...before, expiresAt }),
      };
    },
    onNone: ({ isSuperseded, lost }) => (isSuperseded ? SUPERSEDED : { outcome: 'none', ...(lost && { lost }) }),
  };
}

/** @param times [L5] the times from before, except the end of life */
function answerOf(state: SessionState, known: string | undefined, times: SessionTimes): LoadResult {
  if (state.stamp === known) return { outcome: 'unchanged', times };
  return { outcome: 'found', record: recordOfState(state, times) };
}

/** A save to a session that is there. A session that is not there is created by `beginSession`. */
export function saveOperation(change: SessionChange): SessionOperation<SaveResult> {
  const { writeId } = change;
  return {
    // [I6] The write id first: a renewal that is sent again presents a proof that it has replaced itself.
    evidence: change.mode === 'create' ? undefined : { ...evidenceOf(change.access), writeId },
    onSession: (state, now, sentFrom) => {
      const stamp = stampOfWrite(state, writeId);
      if (stamp === undefined && sentFrom && savesSince(state, sentFrom) > countWrites(state.earlierWrites) + 1) {
        throw new ReplicationFailure('its owners changed meanwhile, and whether the change was applied is not known');
      }
      if (stamp !== undefined) return answering({ outcome: 'saved', stamp, times: timesOfState(state) });
      if (change.mode === 'create') return answering({ outcome: 'conflict', record: recordOfState(state) });
      return update(state, change, now);
    },
    onNone: ({ isSuperseded, lost }) => (isSuperseded ? SUPERSEDED : { outcome: 'gone', ...(lost && { lost }) }),
  };
}

function update(state: SessionState, change: SessionUpdate, now: number): OperationOutcome<SaveResult> {
  const { writeId, lock, renewal, lifetime } = change;
  if (lock !== undefined && !holdsLock(state, lock, now)) return answering({ outcome: 'unlocked' });
  const stamp = stampAfter(state.stamp, writeId);
  if (!changeParts(state.parts, change.parts, stamp, renewal?.keep)) {
    return answering({ outcome: 'conflict', record: recordOfState(state) });
  }
  const parts = [
    ...droppedParts(state, renewal?.keep).flatMap((name) => [name, null]),
    ...[...change.parts].flatMap(([name, { payload }]) => [name, payload]),
  ];
  return {
    change: {
      stamp,
      parts,
      lastAccessedAt: now,
      ...(renewal && { renewal: { proof: ownText(renewal.proof), principal: renewal.principal } }),
      ...(lifetime && { lifetime: { ...lifetime } }),
    },
    answer: (after): SaveResult =>
      isTombstone(after) ? { outcome: 'gone' } : { outcome: 'saved', stamp, times: timesOfState(after) },
  };
}

/** [I3] Names of the parts that a renewal removes. */
function droppedParts({ parts }: SessionState, keep: readonly string[] | undefined): string[] {
  return keep ? parts.filter((name, at) => at % 3 === 0 && !keep.includes(name)) : [];
}

function savesSince(state: SessionState, before: SessionState): number {
  return savesOf(state.stamp) - savesOf(before.stamp);
}

function holdsLock({ lock }: SessionState, token: string, now: number): boolean {
  return lock?.token === token && lock.until > now;
}

function answering(result: SaveResult): OperationOutcome<SaveResult> {
  return { answer: () => result };
}

/** The outcome of an end, and whether no member has the session, or knows that it has ended. */
export interface Ending {
  readonly result: DestroyResult;
  readonly isUnknown: boolean;
}

/** @param callId tells a destroy that is sent again, because its first answer was lost, from that of another caller */
export function destroyOperation(access: SessionAccess, callId: string): SessionOperation<Ending> {
  return {
    evidence: evidenceOf(access),
    onSession: (state, now) => ({ change: tombstoneOf(state, callId, now), answer: () => ENDED }),
    onNone: ({ tombstone, isThere, isSuperseded }) => {
      if (tombstone?.callId === callId) return ENDED;
      return { result: isSuperseded ? SUPERSEDED : NONE, isUnknown: !tombstone && !isThere };
    },
  };
}

/** [I15] Whether there is no session with the key. */
export function supersedeOperation(access: ClientAccess): SessionOperation<boolean> {
  return {
    evidence: evidenceOf(access),
    onSession: () => ({ answer: () => false }),
    onNone: ({ isThere }) => !isThere,
  };
}

/** Reads a session for the application, which asks by the name of its user. Nothing changes. */
export const readOperation: SessionOperation<SessionRecord | undefined> = {
  evidence: undefined,
  onSession: (state) => ({ answer: () => recordOfState(state) }),
  onNone: () => undefined,
};

/** Moves the end of life as a request does. */
export function touchOperation(access: SessionAccess): SessionOperation<TouchResult> {
  return {
    evidence: evidenceOf(access),
    onSession: (_state, now) => ({ change: { lastAccessedAt: now }, answer: () => ({ outcome: 'touched' }) }),
    onNone: ({ isSuperseded }) => (isSuperseded ? SUPERSEDED : NONE),
  };
}

/** The lock is part of the session's state, so it moves with the session when that changes its owners. */
export function lockOperation(access: SessionAccess, token: string, leaseMs: number): SessionOperation<LockResult> {
  return {
    evidence: evidenceOf(access),
    onSession: ({ lock }, now) => {
      if (lock && lock.token !== token && lock.until > now) return { answer: () => ({ outcome: 'held' }) };
      return { change: { lock: { token, until: now + leaseMs } }, answer: () => ({ outcome: 'locked' }) };
    },
    onNone: ({ isSuperseded }) => (isSuperseded ? SUPERSEDED : NONE),
  };
}

/** [K6] Whoever has the token has the lock. */
export function unlockOperation(token: string): SessionOperation<void> {
  return {
    evidence: { lock: token },
    onSession: ({ lock }) => ({
      ...(lock?.token === token && { change: { lock: null } }),
      answer: () => undefined,
    }),
    onNone: () => undefined,
  };
}

const SUPERSEDED = Object.freeze({ outcome: 'superseded' });
const NONE = Object.freeze({ outcome: 'none' });
const ENDED: Ending = Object.freeze({ result: Object.freeze({ outcome: 'ended' }), isUnknown: false });
