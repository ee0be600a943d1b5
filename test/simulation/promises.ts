/** What the store promises under the faults of a kind of schedules. What is not here holds in all of them. */
export interface Promises {
  /** Nothing acknowledged is lost, and no session is. */
  readonly keepsAll: boolean;

  /** The past of a session never forks, and it never comes back; unless it yields. */
  readonly isOneLine: boolean;

  /** No stale read. */
  readonly isFresh: boolean;

  /** Without a quorum two sides of a split network may both go on: what one side loses then is allowed if the event `yielded` or `lost` tells it. */
  readonly mayYield: boolean;
}
