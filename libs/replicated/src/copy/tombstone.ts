import type { SessionState } from './session-state.js';

/** What is left of a session that has ended: it keeps late changes and old copies from bringing it back. */
export interface Tombstone {
  /** By the clock of the member that keeps it. */
  readonly endedAt: number;

  /** The session goes on under another key. */
  readonly renewed: boolean;

  /** Of the destroy that ended it: told from another's when its answer was lost. */
  readonly callId: string;

  /**
   * All owners have it: nothing that lives follows it any more. A backup is told of an end before that, and if its primary hears of no answer the session may
   * as well go on.
   */
  readonly isFinal: boolean;
}

export function isTombstone(state: SessionState | Tombstone): state is Tombstone {
  return 'endedAt' in state;
}

/** Whether the session has ended for good. */
export function isEnded(state: SessionState | Tombstone): state is Tombstone {
  return isTombstone(state) && state.isFinal;
}

/** What is known of a session that is not there. */
export interface NoSession {
  /** It has ended. */
  readonly tombstone?: Tombstone;

  /** There was one, and those who had it have lost it. Said once. */
  readonly lost?: true;
}
