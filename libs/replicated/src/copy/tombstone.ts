import type { SessionState } from './session-state.js';

/** The rest of a session that has ended. It keeps late changes and old copies from bringing the session back. */
export interface Tombstone {
  /** By the clock of the member that keeps it. */
  readonly endedAt: number;

  /** The session goes on under another key. */
  readonly renewed: boolean;

  /** Names the destroy that ended the session: it is recognised when it is sent again because its answer was lost. */
  readonly callId: string;

  /**
   * All owners have it, and no living state follows it any more. Before that a backup may be told of an end that its
   * primary, which gets no answer, never confirms.
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

/** The knowledge about a session that is not there. */
export interface NoSession {
  /** Present when it has ended. */
  readonly tombstone?: Tombstone;

  /** There was one, and all members that had it have lost it. Said once. */
  readonly lost?: true;
}
