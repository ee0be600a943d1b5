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
