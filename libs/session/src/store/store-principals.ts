import type { MaybePromise } from './maybe-promise.js';
import type { SessionKey } from './session-id.js';
import type { SessionRecord } from './session-record.js';

/** Finds the sessions of a user who is logged in. A store that cannot has no such object. */
export interface StorePrincipals {
  /**
   * `end`: the store cannot refuse a login where the principal has too many sessions ([Q6]), so `principalLimit` may
   * only end others. Left out: it can.
   */
  readonly limit?: 'end' | undefined;

  /**
   * Called for lists of a user's sessions, and after a login where the number of them is limited.
   *
   * - [Q1] The sessions to which the principal is logged in, each once, and no other. A session is found from the
   *   answer to its login on, until it ends, expires or another principal logs in to it.
   * - [Q2] The newest login first. Logins of the same second may have any order.
   * - [Q3] At most `limit` sessions; `next` exactly where there may be more, and `after` goes on behind them. A page
   *   may have fewer, also none, and have a `next`. A session that lives during the whole walk is met, unless its
   *   principal logs in again meanwhile.
   * - [Q4] Nothing changes: the end of life does not move, and no client has joined by it. Records have those of their
   *   parts that `parts` names.
   * - [Q5] With `ifMoreThan`, the answer may be an empty one without `next` where the principal has no more sessions
   *   than that, so that the store need not look at them.
   * - [E2] Sessions that began no later than the epoch are left out, and count nowhere.
   */
  list(principal: string, page: PrincipalPage): MaybePromise<PrincipalSessions>;
}

/** Which of the sessions of a principal a caller wants. */
export interface PrincipalPage {
  readonly limit: number;

  /** `next` of the page before. A text that is none counts as none. */
  readonly after?: string | undefined;

  readonly ifMoreThan?: number | undefined;

  readonly parts: readonly string[];
}

/** A session that is listed. */
export interface ListedSession {
  readonly key: SessionKey;
  readonly record: SessionRecord;
}

/** One page of the sessions of a principal, and where the next one begins. */
export interface PrincipalSessions {
  readonly sessions: readonly ListedSession[];

  /** At most 200 characters of `[A-Za-z0-9_.-]`. */
  readonly next?: string | undefined;
}

/**
 * A moment at which all sessions ended: a time, or the number of an era (see [E1]). A store that cannot keep one has no
 * such object.
 */
export interface StoreEpoch {
  /**
   * Ends all sessions that there are, in a time that does not depend on how many these are. Servers learn of it by
   * `read`, and let nobody have a session that began no later. (The store may keep the records until they expire.)
   *
   * - [E1] The time now by the store's clock, and the epoch from then on; not earlier than `createdAt` of any session
   *   that exists, also where a store has several clocks. A store whose clocks cannot promise that gives all sessions
   *   a number, `era`, and its epochs are such numbers: not less than that of any session that exists.
   */
  begin(): MaybePromise<number>;

  /** [E1] The newest epoch that any server has begun, for at least as long as a session from before may live. */
  read(): MaybePromise<number | undefined>;
}
