/** The promises of the store that depend on the kind of schedule. All other invariants hold in every schedule. */
export interface Promises {
  /** No acknowledged change and no session is lost. */
  readonly keepsAll: boolean;

  /**
   * The history of a session never branches, and an ended session never comes back. Exception: sessions that yielded.
   */
  readonly isOneLine: boolean;

  /**
   * When a former id opens nothing any more, and an ended session no member: `always`, or `afterwards`, when all faults
   * have ended and no member has lost its heap. `never`: members may have lost what they knew of it.
   */
  readonly settlesIds: 'always' | 'afterwards' | 'never';

  /** No read is stale. */
  readonly isFresh: boolean;

  /**
   * Without a quorum both sides of a split network may go on. One side then loses changes, which is allowed if the
   * event `yielded` or `lost` reports it.
   */
  readonly mayYield: boolean;
}
