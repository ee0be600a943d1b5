import type { MaybePromise } from './maybe-promise.js';
import type { SessionChange } from './session-change.js';
import type { ClientAccess, SessionAccess, SessionKey } from './session-id.js';
import type { SessionRecord, SessionTimes } from './session-record.js';
import type { StoreEpoch, StorePrincipals } from './store-principals.js';
import type { SessionRisk } from './session-risk.js';

/**
 * Keeps session records. The contract suite (`describeSessionStore`) checks the rules in brackets.
 *
 * Expected outcomes are values; a call fails only when the store could not do its work. Every method may be called
 * concurrently, also for the same session; calls that are not awaited take effect in any order. All times are by the
 * store's own clock.
 *
 * Methods may answer at once (a store in this process has nothing to wait for) or with a promise. A failure is a
 * rejection, or a throw.
 *
 * **Access.** Each call names a session and shows what the caller knows of it. The store compares that with the record
 * before it does, changes or tells anything. These rules hold for every method that takes a {@link SessionAccess}:
 *
 * - [I1] With a `proof` that is not that of the record, or with other `logins`, there is no such session. The answer is
 *   the same as for a key that does not exist, and record, times, locks and watches stay as they are.
 * - [I2] The proof of a former id is answered with `superseded` for at least one and at most two minutes after it was
 *   replaced, then like any other wrong one. A store may forget it earlier when more than four ids were replaced in
 *   that time. [I5] It opens nothing, and changes nothing.
 * - [I7] `logins` of the record are accepted whatever the proof is by now.
 * - [I11] Access is compared before the store says that a record is damaged or too large.
 *
 * @example
 * ```ts
 * class MapSessionStore implements SessionStore {
 *   readonly name = 'map';
 *   readonly contract = 1;
 *   readonly shared = false;
 *   load(access: SessionAccess, options?: LoadOptions): LoadResult { … }
 *   save(change: SessionChange): SaveResult { … }
 *   touch(access: SessionAccess): TouchResult { … }
 *   destroy(access: SessionAccess): DestroyResult { … }
 *   supersede(access: ClientAccess): void { … }
 *   close(): void {}
 * }
 * ```
 * @see docs/stores/writing-a-store.md
 */
export interface SessionStore {
  /** Used in error texts and logs, e.g. `memory`, `redis`. */
  readonly name: string;

  /**
   * The version of this contract that the store follows. Rules that a later version adds are reported as pending by the
   * contract suite until the store says that it follows it.
   */
  readonly contract: 1;

  /**
   * Other servers may change a session saved here. Read by live sessions: a request that joins one asks a shared store
   * whether the copy is still the newest, and trusts its own copy otherwise.
   */
  readonly shared: boolean;

  /**
   * `per-server`: the store cannot compare and write in one step. The rules about calls at the same time hold for those
   * of one server. Of changes that several servers make to one session at the same moment, one may be lost, and an end
   * may be undone. The application is told at boot. Left out: the rules hold among all servers.
   */
  readonly updates?: 'per-server' | undefined;

  /** Answers carry locators, which the client brings back. Read where ids are given to clients. Default false. */
  readonly locates?: boolean | undefined;

  /** Locks among all servers. Without them, no request can have a session for itself in a shared store. */
  readonly locks?: StoreLocks | undefined;

  /**
   * Tells of changes by other servers. The near cache in mode `bounded` needs it. Without it, sessions whose end
   * somebody watches are looked at every 5 s.
   */
  readonly notices?: StoreNotices | undefined;

  /** Finds sessions by their principal. Without it, nobody can list, count or limit the sessions of a user. */
  readonly principals?: StorePrincipals | undefined;

  /** Ends all sessions at once. */
  readonly epoch?: StoreEpoch | undefined;

  /**
   * Called when a request needs its session.
   *
   * - [L1] The live record, or none.
   * - [L2] Never an ended or expired one.
   * - [L3] A later save does not change what was returned.
   * - [L4] With `known`, answers `unchanged` exactly when the stored stamp is that one.
   * - [L5] With `touchAfterMs`, a request is using the session, and the end of life moves to `idleTimeoutMs` from now
   *   (never past the absolute end) if it has not been moved for `touchAfterMs`. With a proof the client has now joined
   *   and has confirmed its id; if one of these is new, the end of life moves, too. The times returned are those from
   *   before the call, except `expiresAt`. Without `touchAfterMs` nothing changes.
   * - [P1] With `locator`, never a state older than the one that was stored when that locator was returned: a copy that
   *   may be older is a failure, not an answer. A text that is no locator of this store counts as none.
   */
  load(access: SessionAccess, options?: LoadOptions): MaybePromise<LoadResult>;

  /**
   * Called when a request, or several at once, changed a session.
   *
   * - [S1] All of the change or nothing, atomically. [I12] Also after a failover, a record never has new parts with an
   *   old proof, nor the other way round.
   * - [S2] `gone` for an update of a session that does not exist (any more): nothing is created.
   * - [S3] `conflict` when a part is not at the version the change was made from, or when a created key exists: nothing
   *   is changed.
   * - [S4] Parts that the change does not name stay as they are, byte for byte.
   * - [S5] The same change (same `writeId`) sent again after it was applied answers `saved` with the stamp it got then,
   *   and is not applied again, as long as the session exists and no more than 7 other saves were applied since. [I6]
   *   That is compared before the access, which a renewal has replaced.
   * - [S6] An update moves the end of life like a request does, by the new lifetime if it carries one. The client has
   *   not joined by it: the first request may save several times.
   * - [S7] Stamps are `<n>.<writeId>`, n growing by one; a written part gets the stamp as its version. [I9] A renewal
   *   is a save like any other, also without parts.
   * - [S8] A creation with a principal is a login: `logins` is 1, and `authenticatedAt` is now. Without, they are 0 and
   *   undefined.
   * - [I3] A renewal happens with the whole change or not at all. The proof becomes the new one, `generation` grows by
   *   one, the client has not confirmed the new id; parts that `keep` does not name are removed.
   * - [I14] A renewal with a principal is a login: `authenticatedAt` is now. Another principal than before: `logins`
   *   grows by one, and if there was one before, `createdAt` is now as well.
   * - [I4] Of several renewals that present the same proof one is saved; the others are `superseded`.
   * - [Q6] With `mostSessions`, a login is saved only while its principal has fewer sessions, or has this one already;
   *   else the answer is `limit`, and nothing is changed. That is exact for logins at the same time. The place of a
   *   session that has expired, or of a login whose server died, may be taken for one more minute.
   * - [I8] A store that is full accepts a renewal that adds no bytes, and one that is a login.
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
   * - [T2] `none`, and nothing is created, when there is no such session.
   */
  touch(access: SessionAccess): MaybePromise<TouchResult>;

  /**
   * Called when a session is ended on purpose.
   *
   * - [D1] Ends the session: `ended` when it has ended by this call, `none` when there was none.
   * - [D2] Afterwards no save and no touch brings it back; a creation of its key that arrives late, for at least a
   *   minute, answers `gone`. An ended key is never used again. [I10] That holds whatever the caller knew.
   */
  destroy(access: SessionAccess): MaybePromise<DestroyResult>;

  /**
   * Called when a client logs in that presented the id of a session which is over: requests that it has sent before may
   * still be under way with that id, and must not undo the login.
   *
   * - [I15] While there is no session with the key, the proof is answered with `superseded` (an update may be `gone`),
   *   for at least one and at most two minutes. Where there is one, nothing changes.
   */
  supersede(access: ClientAccess): MaybePromise<void>;

  /**
   * How much of its bounds is in use, 0 to 1; undefined while that is not known. Asked with every creation.
   * Applications are told with the event `nearlyFull`, and `session.store.filled` is a metric. Left out: the store has
   * no bounds.
   */
  filled?(): number | undefined;

  /**
   * Notes what this server says of itself, for `keptMs`, and answers what others have said in that time. Called at boot
   * and every few minutes, so that servers that do not fit together are named (`SessionDoctor`). Left out: nobody is.
   *
   * @param facts a text without secrets, of some hundred characters
   */
  announce?(facts: string, keptMs: number): MaybePromise<readonly ServerAnnouncement[]>;

  /**
   * What is risky in how the store and its server are set up, for the log at boot, for a look every ten minutes, and
   * for an operator who asks (`SessionDoctor`). A failure says that the server cannot be asked now. Left out: nothing.
   */
  risks?(): MaybePromise<readonly SessionRisk[]>;

  /**
   * Called at boot, before the first request: opens ports and the like. The application does not start when it rejects.
   * Called again after `close()` when another application takes over the store, as one test after another does.
   */
  open?(): MaybePromise<void>;

  /** [C1] [C2] Releases what the store itself opened (timers, connections), nothing that was handed to it. */
  close(): MaybePromise<void>;

  /** Tells of sessions that expire. Left out: nobody is told. */
  readonly expiries?: StoreExpiries;

  /**
   * Figures for an operator beside the calls: numbers of this moment, under few names that never change. Asked whenever
   * metrics are collected, so it costs next to nothing.
   */
  figures?(): Readonly<Record<string, number>>;
}

/** What another server of the store has said of itself. Servers that say the same count as one. */
export interface ServerAnnouncement {
  readonly facts: string;

  /** How long ago it was said last, in ms. */
  readonly ageMs: number;
}

/** Locks of sessions, for requests that want a session for themselves among all servers. */
export interface StoreLocks {
  /**
   * - [K1] `locked` when `token` holds the lock of the session now; at most one token does. `held`: another one does.
   * - [K2] The holder's own call keeps it, for `leaseMs` from now.
   * - [K3] A lock that is not kept is free after `leaseMs`.
   * - [K4] A save that names a lock which its token does not hold answers `unlocked`, and nothing is changed. [S5]
   *   comes before: a save that is sent again was made while the lock was held.
   * - [K5] Saves that name none are not held up.
   */
  acquire(access: SessionAccess, lock: { readonly token: string; readonly leaseMs: number }): MaybePromise<LockResult>;

  /** [K6] Gives the lock back if `token` holds it; not an error if not. */
  release(key: SessionKey, lock: { readonly token: string }): MaybePromise<void>;
}

/** Notices of what other servers do. */
export interface StoreNotices {
  /**
   * Called once: at boot, by a near cache that answers from its own copies; or when somebody first watches for the end
   * of a session (`HttpSession.signal`, sockets). `onChange` is called with the key when
   * another server may have changed the session, given it a new id, ended it or let it expire; too often is allowed,
   * too late is not.
   *
   * - [N1] Every result of `load` and `save` that tells of a session carries a `watch`, unless the store cannot watch
   *   it just now.
   * - [N2] A change by another server after the last such result was made is told to `onChange` before
   *   `watch.toldUntil` passes the moment of the change, or `toldUntil` never passes it. (A result takes the place of
   *   the ones before: a record has all earlier changes, and a `saved` whose stamp is not the next one shows that there
   *   were some.)
   * - [N3] The caller's own loads and saves through this store renew the watch, and are told now and then at most.
   */
  subscribe(onChange: (key: SessionKey) => void): void;
}

/** A session that has expired, as it was last. */
export interface ExpiredSession {
  readonly key: SessionKey;
  readonly record: SessionRecord;
}

/** News of sessions that nobody has ended. */
export interface StoreExpiries {
  /**
   * Called at boot, by each application of the process that uses the store.
   *
   * - [X1] Each listener is called once with each session that expires, over all servers, outside of every request;
   *   soon after, not at a certain time. It is not called for a session that was ended.
   *
   * @returns a function that stops it
   */
  subscribe(onExpired: (expired: ExpiredSession) => void): () => void;
}

/** What the caller of `load` knows already, and whether the load is a visit. */
export interface LoadOptions {
  /** Stamp of the copy the caller holds. */
  readonly known?: string | undefined;

  /** A request is using the session: see [L5]. */
  readonly touchAfterMs?: number | undefined;

  /** The last locator that the client was given, as it brings it back. Text of a client: it proves nothing. */
  readonly locator?: string | undefined;
}

/** Where a session is, and who tells of its changes: part of each answer that tells of a session. */
export interface SessionLocation {
  /**
   * Present exactly where the store `locates`. [P2] Where the session is now: 1 to 4 fields of 1 to 64 characters of
   * `[A-Za-z0-9_-]`, with dots between them; the first is the route. The client gets it with its id and brings it back.
   */
  readonly locator?: string;

  /** See `StoreNotices`. */
  readonly watch?: SessionWatch;

  /**
   * What the store knows of the session since this answer, for itself: the next change brings it back, and the store
   * need not look at what it has. It is a hint, which may be left out or be older than the change. An `unchanged`
   * without one leaves the one before as it is.
   */
  readonly copy?: unknown;
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

/** The caller knows a former id of the session: see [I2]. */
export interface Superseded {
  readonly outcome: 'superseded';
}

/** What `load` found: the record, that the copy of the caller is the newest, or none. */
export type LoadResult =
  | ({ readonly outcome: 'found'; readonly record: SessionRecord } & SessionLocation)
  | ({ readonly outcome: 'unchanged'; readonly times: SessionTimes } & SessionLocation)
  /** `lost`: there was one, by the locator, and all servers that had it have lost it; said once on each server. */
  | { readonly outcome: 'none'; readonly lost?: true }
  | Superseded;

/** What became of a change: stored whole, or not at all and why. */
export type SaveResult =
  | ({ readonly outcome: 'saved'; readonly stamp: string; readonly times: SessionTimes } & SessionLocation)
  /** With the record that the store has instead, so that the caller can merge without another call. */
  | ({ readonly outcome: 'conflict'; readonly record: SessionRecord } & SessionLocation)
  /** `lost`: as in a LoadResult. */
  | { readonly outcome: 'gone'; readonly lost?: true }
  /** Only for a change that names a lock. */
  | { readonly outcome: 'unlocked' }
  /** Only for a login with `mostSessions`. */
  | { readonly outcome: 'limit' }
  | Superseded;

/** Whether there was a session whose end of life could be moved. */
export type TouchResult = { readonly outcome: 'touched' } | { readonly outcome: 'none' } | Superseded;

/** Whether this call has ended the session, or there was none. */
export type DestroyResult = { readonly outcome: 'ended' } | { readonly outcome: 'none' } | Superseded;

/** Whether the caller holds the lock of the session now. */
export type LockResult =
  | { readonly outcome: 'locked' }
  | { readonly outcome: 'held' }
  | { readonly outcome: 'none' }
  | Superseded;
