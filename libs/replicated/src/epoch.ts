/**
 * A stretch of a session's life during which the same two members have it. The pair is its identity; the counter says which of two is newer.
 * Everything that was acknowledged at an epoch is on its primary and on its backup.
 */
export interface Epoch {
  /** 1 and up. */
  readonly counter: number;

  /** Name of its primary. */
  readonly node: string;
}

/** Stands where the name of a backup would, at an epoch whose primary has the only copy. Such an epoch is one of its own. */
export const NO_BACKUP = '-';

/** An epoch and who its backup is: exactly the members that can have what was acknowledged at it. */
export interface Owners extends Epoch {
  /** Name of a member, or {@link NO_BACKUP}. */
  readonly backup: string;
}
