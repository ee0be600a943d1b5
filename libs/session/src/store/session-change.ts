import type { SessionAccess, SessionKey } from './session-id.js';
import type { SessionLifetime } from './session-record.js';

/** The change of one part of a session by a commit. */
export interface PartChange {
  /** Version the change was made from; null = the part did not exist. */
  readonly base: string | null;

  /** The new payload; null = the part is removed. */
  readonly payload: string | null;
}

/** A new id of a session, and the login that it comes with. */
export interface SessionRenewal {
  /** Proof of the new id. The former one opens nothing from now on. */
  readonly proof: string;

  /**
   * The principal who logs in with this change, by the application's name; not empty. Undefined: nobody does, and a
   * principal who is logged in stays.
   */
  readonly principal?: string | undefined;

  /** How many sessions the principal may have with this one: see [Q6]. Only for stores with `principals`. */
  readonly mostSessions?: number | undefined;

  /**
   * Names of the parts that go on; all others are removed with this change. A part that the change writes and that is
   * not named here is written anew: its `base` is null. Undefined: all go on.
   */
  readonly keep?: readonly string[] | undefined;
}

interface AnyChange {
  /**
   * Unique for ever, never used for another change (at most 32 characters of `[A-Za-z0-9_-]`). It becomes the second
   * half of the stamp, and a store recognises by it a change that is sent again because its reply was lost.
   */
  readonly writeId: string;

  /** May be empty. */
  readonly parts: ReadonlyMap<string, PartChange>;
}

/** Begins a session, which must not exist. Every base is null. */
export interface SessionCreation extends AnyChange {
  readonly mode: 'create';

  readonly key: SessionKey;

  /** Proof of its id. */
  readonly proof: string;

  /** The principal who logs in with it, if somebody does; not empty. */
  readonly principal?: string | undefined;

  /** How many sessions the principal may have with this one: see [Q6]. Only for stores with `principals`. */
  readonly mostSessions?: number | undefined;

  readonly lifetime: SessionLifetime;
}

/** Changes a session, which must exist. An update never brings a session back. */
export interface SessionUpdate extends AnyChange {
  readonly mode: 'update';

  /** The session, and what the caller knows of it. */
  readonly access: SessionAccess;

  /** The session gets a new id. */
  readonly renewal?: SessionRenewal | undefined;

  /** Present when the lifetime changes. */
  readonly lifetime?: SessionLifetime | undefined;

  /** The locator that came with the state the change was made from. */
  readonly locator?: string | undefined;

  /** The copy that came with the state the change was made from: see `SessionLocation`. */
  readonly copy?: unknown;

  /** Token of the lock under which the change was made: it is applied only while that lock is held. */
  readonly lock?: string | undefined;
}

/** The change of a session that a store applies, whole or not at all. */
export type SessionChange = SessionCreation | SessionUpdate;
