import type { MaybePromise } from './maybe-promise.js';
import type { SessionChange } from './session-change.js';
import type { SessionKey } from './session-id.js';
import type { SessionRecord, SessionTimes } from './session-record.js';

/**
 * Keeps session records. The contract suite (`describeSessionStore`) checks the rules in brackets.
 *
 * Expected outcomes are values; a call fails only when the store could not do its work. Every method may be called
 * concurrently, also for the same key; calls that are not awaited take effect in any order. All times are by the
 * store's own clock.
 *
 * `load` and `save` may answer at once (a store in this process has nothing to wait for) or with a promise. A failure
 * is a rejection, or a throw.
 *
 * @example
 * ```ts
 * class MapSessionStore implements SessionStore {
 *   readonly name = 'map';
 *   readonly capabilities = { shared: false };
 *   load(key: SessionKey, options?: LoadOptions): LoadResult { … }
 *   save(change: SessionChange): SaveResult { … }
 *   async touch(key: SessionKey): Promise<boolean> { … }
 *   async destroy(key: SessionKey, ifStamp?: string): Promise<boolean> { … }
 *   async close(): Promise<void> {}
 * }
 * ```
 * @see docs/stores/writing-a-store.md
 */
export interface SessionStore {
  /** Used in error texts and logs, e.g. `memory`, `redis`. */
  readonly name: string;

  readonly capabilities: SessionStoreCapabilities;

  /**
   * Called when a request needs its session.
   *
   * - [L1] The live record, or none.
   * - [L2] Never an ended or expired one.
   * - [L3] A later save does not change what was returned.
   * - [L4] With `known`, answers `unchanged` exactly when the stored stamp is that one.
   * - [L5] With `touchAfterMs`, a request is using the session: the client has now joined, and the end of life moves to
   *   `idleTimeoutMs` from now (never past the absolute end) if it has not been moved for `touchAfterMs`, or if the
   *   client had not joined before. The times returned are those from before the call, except `expiresAt`. Without
   *   `touchAfterMs` nothing changes.
   * - [P1] With `locator`, never a state older than the one that was stored when that locator was returned: a copy that
   *   may be older is a failure, not an answer. A text that is no locator of this store counts as none.
   */
  load(key: SessionKey, options?: LoadOptions): MaybePromise<LoadResult>;

  /**
   * Called when a request, or several at once, changed a session.
   *
   * - [S1] All of the change or nothing, atomically.
   * - [S2] `gone` for an update of a session that does not exist (any more): nothing is created.
   * - [S3] `conflict` when a part is not at the version the change was made from, or when a created key exists: nothing
   *   is changed.
   * - [S4] Parts that the change does not name stay as they are, byte for byte.
   * - [S5] The same change (same `writeId`) sent again after it was applied answers `saved` with the stamp it got then,
   *   and is not applied again, as long as the session exists and no more than 7 other saves were applied since.
   * - [S6] An update moves the end of life like a request does, by the new lifetime if it carries one. The client has
   *   not joined by it: the first request may save several times.
   * - [S7] Stamps are `<n>.<writeId>`, n growing by one; a written part gets the stamp as its version.
   * - [S8] A creation with `createdAt` goes on with a session that began then: the absolute end counts from there, and
   *   the client, who kept the old id, has joined.
   * - [P3] With `locator`, never applied to a session that does not go on from the state that was stored when that
   *   locator was returned: `gone`, with `lost`, when that is known, else a failure. A text that is no locator of this
   *   store counts as none.
   */
  save(change: SessionChange): MaybePromise<SaveResult>;

  /**
   * Called when a session was used for longer than `touchIntervalMs` without a save.
   *
   * - [T1] Moves the end of life as a request does, writes nothing else (nor has the client joined by it), keeps the
   *   stamp.
   * - [T2] False, and nothing is created, when there is no such session.
   */
  touch(key: SessionKey): Promise<boolean>;

  /**
   * Called on logout, and for the old id when an id is renewed.
   *
   * - [D1] Ends the session: true when it has ended by this call, false when there was none, which is not an error.
   * - [D2] Afterwards no save and no touch brings it back; a `create` of its key that arrives late, for at least a
   *   minute, answers `gone`. An ended key is never used again.
   * - [D3] With `ifStamp`, only when the stored stamp is that one: false, and nothing is changed, when it is another.
   * - [D4] That is how a renewal ends the old key: for at least a minute loads of it answer `none` with `renewed`, so
   *   that a late request with the old id is told from one without a session.
   */
  destroy(key: SessionKey, ifStamp?: string): Promise<boolean>;

  /**
   * Present exactly when `capabilities.locks`. Called when a request wants the session for itself, among all servers.
   *
   * - [K1] True when `token` holds the lock of the session now; at most one token does.
   * - [K2] The holder's own call keeps it, for `leaseMs` from now.
   * - [K3] A lock that is not kept is free after `leaseMs`.
   * - [K4] A save that names a lock which its token does not hold answers `unlocked`, and nothing is changed.
   * - [K5] Saves that name none are not held up.
   */
  lock?(key: SessionKey, token: string, leaseMs: number): Promise<boolean>;

  /** Present exactly when `capabilities.locks`. [K6] Gives the lock back if `token` holds it; not an error if not. */
  unlock?(key: SessionKey, token: string): Promise<void>;

  /**
   * Present exactly when `capabilities.notifies`. Called once, at boot, by a near cache that answers from its own
   * copies. `onChange` is called with the key when another server may have changed the session, ended it or let it
   * expire; too often is allowed, too late is not.
   *
   * - [N1] Every result of `load` and `save` that tells of a session carries a `watch`, unless the store cannot watch
   *   it just now.
   * - [N2] A change by another server after the last such result was made is told to `onChange` before
   *   `watch.toldUntil` passes the moment of the change, or `toldUntil` never passes it. (A result takes the place of
   *   the ones before: a record has all earlier changes, and a `saved` whose stamp is not the next one shows that there
   *   were some.)
   * - [N3] The caller's own loads and saves through this store renew the watch, and are told now and then at most.
   */
  subscribe?(onChange: (key: SessionKey) => void): void;

  /**
   * Called once at boot, before the first request: opens ports and the like. The application does not start when it
   * rejects.
   */
  open?(): Promise<void>;

  /** [C1] Releases what the store itself opened (timers, connections), nothing that was handed to it. */
  close(): Promise<void>;

  /**
   * Figures for an operator beside the calls: numbers of this moment, under few names that never change. Asked whenever
   * metrics are collected, so it costs next to nothing.
   */
  figures?(): Readonly<Record<string, number>>;
}

export interface LoadOptions {
  /** Stamp of the copy the caller holds. */
  readonly known?: string;

  /** A request is using the session: see [L5]. */
  readonly touchAfterMs?: number;

  /** The last locator that the client was given, as it brings it back. Text of a client: it proves nothing. */
  readonly locator?: string;
}

/** Where a session is, and who tells of its changes: part of each answer that tells of a session. */
export interface SessionLocation {
  /**
   * Present exactly when `capabilities.locates`. [P2] Where the session is now: 1 to 4 fields of 1 to 64 characters of
   * `[A-Za-z0-9_-]`, with dots between them; the first is the route. The client gets it with its id and brings it back.
   */
  readonly locator?: string;

  /** See `subscribe`. */
  readonly watch?: SessionWatch;
}

/**
 * How well this server is told about the sessions that one connection of its store watches. Lives as long as that
 * connection.
 */
export interface SessionWatch {
  /**
   * All that happened before this moment was told; by `performance.now()` of this process. `-Infinity`, and that for
   * good, once something may have been missed.
   */
  readonly toldUntil: number;
}

export type LoadResult =
  | ({ readonly outcome: 'found'; readonly record: SessionRecord } & SessionLocation)
  | ({ readonly outcome: 'unchanged'; readonly times: SessionTimes } & SessionLocation)
  /**
   * `renewed`: it went on under another key a short while ago. `lost`: there was one, by the locator, and all servers
   * that had it have lost it; said once on each server.
   */
  | { readonly outcome: 'none'; readonly renewed?: true; readonly lost?: true };

export type SaveResult =
  | ({ readonly outcome: 'saved'; readonly stamp: string; readonly times: SessionTimes } & SessionLocation)
  /** With the record that the store has instead, so that the caller can merge without another call. */
  | ({ readonly outcome: 'conflict'; readonly record: SessionRecord } & SessionLocation)
  /** `lost`: as in a LoadResult. */
  | { readonly outcome: 'gone'; readonly lost?: true }
  /** Only for a change that names a lock. */
  | { readonly outcome: 'unlocked' };

/** Promises of a store beyond the rules above. A flag exists only if the library reads it and the suite tests it. */
export interface SessionStoreCapabilities {
  /**
   * Other servers may change a session saved here. Read by live sessions: a request that joins one asks a shared store
   * whether the copy is still the newest, and trusts its own copy otherwise.
   */
  readonly shared: boolean;

  /**
   * `lock` and `unlock` work among all servers. Read when a request wants a session for itself: no request can have
   * that in a shared store without locks. Default false.
   */
  readonly locks?: boolean;

  /**
   * The store tells its subscriber of changes by other servers. Read by the near cache, whose mode `bounded` needs it.
   * Default false.
   */
  readonly notifies?: boolean;

  /** Answers carry locators, which the client brings back. Read where ids are given to clients. Default false. */
  readonly locates?: boolean;
}
