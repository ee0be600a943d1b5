import type { Tombstone } from './tombstone.js';

/** What is known of a session that is not there. */
export interface NoSession {
  /** It has ended. */
  readonly tombstone?: Tombstone;

  /** There was one, and those who had it have lost it. Said once. */
  readonly lost?: true;
}
