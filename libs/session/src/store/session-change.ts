import type { SessionKey } from './session-id.js';
import type { SessionLifetime } from './session-record.js';

/** The change of one part of a session by a commit. */
export interface PartChange {
  /** Version the change was made from; null = the part did not exist. */
  readonly base: string | null;

  /** The new payload; null = the part is removed. */
  readonly payload: string | null;
}

/** The change of a session that a store applies, whole or not at all. */
export interface SessionChange {
  readonly key: SessionKey;

  /**
   * Unique for ever, never used for another change (at most 32 characters of `[A-Za-z0-9_-]`). It becomes the second
   * half of the stamp, and a store recognises by it a change that is sent again because its reply was lost.
   */
  readonly writeId: string;

  /**
   * `create`: the session must not exist, and every base is null; `update`: it must exist. An update never brings a
   * session back.
   */
  readonly mode: 'create' | 'update';

  /** Present on `create`; on `update` only when the lifetime changes. */
  readonly lifetime?: SessionLifetime;

  /**
   * On `create` of a session that goes on under a new id: when it began, by the clock of the store. Its absolute end
   * stays as it was. Without it the session begins now.
   */
  readonly createdAt?: number;

  /** The locator that came with the state the change was made from. */
  readonly locator?: string;

  /** Token of the lock under which the change was made: it is applied only while that lock is held. */
  readonly lock?: string;

  /** May be empty. */
  readonly parts: ReadonlyMap<string, PartChange>;
}
