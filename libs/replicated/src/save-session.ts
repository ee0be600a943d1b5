import { changeParts, type SaveResult, type SessionChange } from 'nestjs-session-beans/store-kit';
import { isTombstone } from './is-tombstone.js';
import { recordOfState } from './record-of-state.js';
import { ReplicationFailure } from './replication-failure.js';
import type { OperationOutcome, SessionOperation } from './session-operation.js';
import type { SessionState } from './session-state.js';
import { stampOfWrite } from './stamp-of-write.js';
import { timesOfState } from './times-of-state.js';

/** A save to a session that is there; one that creates a session that is not there begins elsewhere. */
export function saveSession(change: SessionChange): SessionOperation<SaveResult> {
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
