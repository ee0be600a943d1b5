import type { NoSession } from './no-session.js';
import type { SessionState } from './session-state.js';
import type { StateDelta } from './state-delta.js';
import type { Tombstone } from './tombstone.js';

/** What a method of the store does with the session that is there, or is not. May be asked again, when the session has moved in the meantime. */
export interface SessionOperation<T> {
  /**
   * @param now ms since 1970
   * @param sentFrom the state from which an earlier attempt sent its change; whether the backup took it is not known
   * @throws ReplicationFailure when it cannot be found out either whether that was applied
   */
  onSession(state: SessionState, now: number, sentFrom?: SessionState): OperationOutcome<T>;

  onNone(none: NoSession): T;

  /** It is for one that has expired as well, as long as anything is left of it. */
  readonly ignoresExpiry?: boolean;
}

export interface OperationOutcome<T> {
  /** To be replicated before anybody hears of it. */
  readonly change?: StateDelta | Tombstone;

  /** @param after the state once the change is made */
  answer(after: SessionState | Tombstone): T;
}
