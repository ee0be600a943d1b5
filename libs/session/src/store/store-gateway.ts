import { randomBytes } from 'node:crypto';
import { UnexpectedSessionError } from '../errors/unexpected-session.error.js';
import { SessionStoreError } from '../errors/session-store.error.js';
import { Deadline } from './deadline.js';
import { type MaybePromise, isPromise } from './maybe-promise.js';
import type { PayloadCipher } from './payload-cipher.js';
import { isUpToEpoch, type SessionRecord, type SessionTimes } from './session-record.js';
import type { SessionChange, SessionCreation, SessionUpdate } from './session-change.js';
import { type ClientAccess, type SessionAccess, type SessionKey, accessOf, generateSessionId } from './session-id.js';
import type {
  DestroyResult,
  ExpiredSession,
  LoadOptions,
  LoadResult,
  LockResult,
  SaveResult,
  SessionStore,
  TouchResult,
} from './session-store.js';

/** Beyond this many calls that the store has not answered, further calls are refused at once. */
const MAX_CALLS = 5_000;

/** A store counts as nearly full from here on, until less than the second share of its bounds is in use. */
const NEARLY_FULL = 0.8;
const HAS_ROOM_AGAIN = 0.7;

type Operation = SessionStoreError['operation'];

/** The session of a call. */
interface NamedSession {
  readonly key: SessionKey;
  readonly proof?: string | undefined;
  readonly logins?: number | undefined;
}

const NO_SESSION: NamedSession = { key: '' };

/** A client of this id has come back with it. */
const CAME_BACK = { joined: true, confirmed: true } as const;

const NONE: LoadResult = Object.freeze({ outcome: 'none' });
const GONE: SaveResult = Object.freeze({ outcome: 'gone' });

const OTHER_PROOF = 'it answered with a session whose id the client does not have (rule I1 of the store contract)';

/** What the gateway tells of the store. */
export interface StoreReports {
  /** All servers that had a copy of a session have lost it. */
  readonly onLost?: (key: SessionKey) => void;

  /** A call has failed. */
  readonly onFailure?: (error: SessionStoreError) => void;

  /** The store has become nearly full, told once each time: how full it is. */
  readonly onNearlyFull?: (fraction: number) => void;
}

/** A change as the core makes it; the gateway adds the write id. */
export type ChangeContent = Omit<SessionCreation, 'writeId'> | Omit<SessionUpdate, 'writeId'>;

/**
 * The one way from the library to its store. It gives every save its write id, and it turns whatever a store throws
 * into a `SessionStoreError`, so that "the store is down" is never taken for "no session". It waits for no call longer
 * than `storeTimeoutMs`; whether a call that took longer was applied is unknown. With `encryptionKeys`, the store gets
 * payloads encrypted, and nobody on this side sees them so.
 *
 * A store may answer at once or later (`MaybePromise`), and so does the gateway.
 */
export class StoreGateway {
  private readonly writer = randomBytes(9).toString('base64url');
  private writes = 0;
  private calls = 0;
  private isNearlyFull = false;
  /** The last epoch: sessions up to it are over, though the store may still have them. */
  overUntil = -Infinity;

  private readonly changeListeners = new Set<(key: SessionKey) => void>();
  private readonly deadline: Deadline | undefined;

  constructor(
    private readonly store: SessionStore,
    private readonly touchIntervalMs: number,
    storeTimeoutMs?: number,
    private readonly reports: StoreReports = {},
    private readonly cipher?: PayloadCipher,
  ) {
    // A store in this process answers in this turn of the event loop or the next: it needs no deadline.
    if (store.shared && storeTimeoutMs !== undefined) this.deadline = new Deadline(storeTimeoutMs, '(storeTimeoutMs)');
  }

  /** Calls `onChange` with each session that others change, if the store can tell. @returns whether it can */
  subscribe(onChange: (key: SessionKey) => void): boolean {
    const { notices } = this.store;
    const { size } = this.changeListeners;
    this.changeListeners.add(onChange);
    // A store has one listener.
    if (size === 0) notices?.subscribe((key) => this.changeListeners.forEach((listener) => listener(key)));
    return notices !== undefined;
  }

  /** Calls `onExpired` with each session that expires, if the store can tell. @returns a function that stops it */
  subscribeToExpiries(onExpired: (expired: ExpiredSession) => void): (() => void) | undefined {
    return this.store.expiries?.subscribe(({ key, record }) => onExpired({ key, record: this.opened(record, key) }));
  }

  /** The store's name. */
  get name(): string {
    return this.store.name;
  }

  /** The store says where a session is, and clients bring that back. */
  get locates(): boolean {
    return this.store.locates === true;
  }

  /** Other servers may change the sessions of this store. */
  get isShared(): boolean {
    return this.store.shared;
  }

  /**
   * Loads for a request that uses the session: the end of life moves, and with a proof the client has joined.
   * @param known stamp of the copy that the caller has
   * @param locator where the session is, as the client says
   */
  load(access: SessionAccess, known?: string, locator?: string): MaybePromise<LoadResult> {
    const options: LoadOptions = {
      touchAfterMs: this.touchIntervalMs,
      ...(known !== undefined && { known }),
      ...(this.locates && locator !== undefined && { locator }),
    };
    this.refuseOverload('load');
    try {
      const answer = this.store.load(access, options);
      return isPromise(answer) ? this.wait('load', answer, this.noteLoad, access) : this.noteLoad(answer, access);
    } catch (cause) {
      throw this.reported('load', cause);
    }
  }

  /** The store's own figures for operators. */
  figures(): Readonly<Record<string, number>> {
    return this.store.figures?.() ?? {};
  }

  /** How much of its bounds the store has in use, 0 to 1; undefined if it has none, or does not know. */
  get filled(): number | undefined {
    return this.store.filled?.();
  }

  /** Asks the store for a session that nobody has: shows whether it answers, and changes nothing. */
  async probe(): Promise<void> {
    await this.ask('load', () => this.store.load(accessOf(generateSessionId())));
  }

  save(content: ChangeContent): MaybePromise<SaveResult> {
    const writeId = `${this.writer}${(this.writes++).toString(36)}`;
    const access = content.mode === 'create' ? content : content.access;
    const parts = this.cipher ? this.cipher.sealed(content.parts, access.key) : content.parts;
    const change: SessionChange = { ...content, parts, writeId };
    this.refuseOverload('save');
    if (change.mode === 'create') this.noteFilled();
    try {
      const answer = this.store.save(change);
      return isPromise(answer) ? this.wait('save', answer, this.noteSave, access) : this.noteSave(answer, access);
    } catch (cause) {
      throw this.reported('save', cause);
    }
  }

  async touch(access: SessionAccess): Promise<TouchResult> {
    return this.ask('touch', () => this.store.touch(access));
  }

  async destroy(access: SessionAccess): Promise<DestroyResult> {
    return this.ask('destroy', () => this.store.destroy(access));
  }

  /** The id is answered with `superseded` from now on, for a while. */
  async supersede(access: ClientAccess): Promise<void> {
    await this.ask('save', () => this.store.supersede(access));
  }

  /** Asks for a session without using it. The payloads of its answer stay encrypted. For `known` etc. see `load`. */
  look(access: SessionAccess, known?: string, locator?: string): MaybePromise<LoadResult> {
    const options: LoadOptions = {
      ...(known !== undefined && { known }),
      ...(this.locates && locator !== undefined && { locator }),
    };
    this.refuseOverload('load');
    try {
      const answer = this.store.load(access, options);
      return isPromise(answer) ? this.wait('load', answer) : answer;
    } catch (cause) {
      throw this.reported('load', cause);
    }
  }

  /** The session that the application names, as it is stored; without using it. */
  async peek(access: Extract<SessionAccess, { readonly logins: number }>): Promise<LoadResult> {
    return this.noteLoad(await this.ask('load', () => this.store.load(access)), access);
  }

  /** See `overUntil`. */
  isOver(times: Pick<SessionTimes, 'era' | 'createdAt'>): boolean {
    return isUpToEpoch(times, this.overUntil);
  }

  /** Whether requests can have a session for themselves: a store that nobody shares needs no lock for that. */
  get canLock(): boolean {
    return !this.isShared || this.store.locks !== undefined;
  }

  async lock(access: SessionAccess, token: string, leaseMs: number): Promise<LockResult> {
    this.requireLocks();
    return this.ask('lock', () => this.store.locks?.acquire(access, { token, leaseMs }) ?? { outcome: 'held' });
  }

  async unlock(key: SessionKey, token: string): Promise<void> {
    await this.ask('unlock', () => this.store.locks?.release(key, { token }));
  }

  /** @throws SessionStoreError naming the store when servers share it and it cannot lock */
  requireLocks(): void {
    if (this.canLock) return;
    const problem = 'servers share it, and it has no locks: a request cannot have a session for itself';
    throw this.failed('lock', problem, false);
  }

  /**
   * The store answers with the client as it was before this request. By now it has joined and confirmed its id, unless
   * the application itself has named the session.
   */
  private readonly noteLoad = (result: LoadResult, access: NamedSession): LoadResult => {
    const isClient = access.proof !== undefined;
    switch (result.outcome) {
      case 'found':
        return this.found(result, access, isClient);
      case 'unchanged':
        if (this.isOver(result.times)) return NONE;
        return result.times.confirmed || !isClient ? result : { ...result, times: { ...result.times, ...CAME_BACK } };
      case 'none':
        if (result.lost) this.reports.onLost?.(access.key);
        return result;
      case 'superseded':
        return result;
    }
  };

  private readonly noteSave = (result: SaveResult, { key, proof }: NamedSession): SaveResult => {
    if (result.outcome === 'gone' && result.lost) this.reports.onLost?.(key);
    if (result.outcome !== 'conflict') return result;
    if (this.isOver(result.record)) return GONE;
    if (proof !== undefined && result.record.proof !== proof) throw new Error(OTHER_PROOF);
    return this.cipher ? { ...result, record: this.opened(result.record, key) } : result;
  };

  private found(
    result: Extract<LoadResult, { outcome: 'found' }>,
    { key, proof, logins }: NamedSession,
    isClient: boolean,
  ): LoadResult {
    if (isClient ? result.record.proof !== proof : result.record.logins !== logins) throw new Error(OTHER_PROOF);
    if (this.isOver(result.record)) return NONE;
    const record = this.opened(result.record, key);
    if (isClient && !record.confirmed) return { ...result, record: { ...record, ...CAME_BACK } };
    return record === result.record ? result : { ...result, record };
  }

  /** The record as the core reads it. */
  opened(record: SessionRecord, key: SessionKey): SessionRecord {
    return this.cipher ? this.cipher.opened(record, key) : record;
  }

  private noteFilled(): void {
    const { filled = 0 } = this;
    if (filled >= NEARLY_FULL && !this.isNearlyFull) this.reports.onNearlyFull?.(filled);
    this.isNearlyFull = filled >= (this.isNearlyFull ? HAS_ROOM_AGAIN : NEARLY_FULL);
  }

  /**
   * Calls the store, for what has no method of its own here.
   * @throws SessionStoreError, or rejects with it
   */
  ask<T>(operation: Operation, call: () => MaybePromise<T>): Promise<T> {
    this.refuseOverload(operation);
    try {
      return this.wait(operation, Promise.resolve(call()));
    } catch (cause) {
      throw this.reported(operation, cause);
    }
  }

  /** Not reported as a failure: the store was not called, and each report would add to the load. */
  private refuseOverload(operation: Operation): void {
    if (this.calls >= MAX_CALLS) throw this.failed(operation, `${MAX_CALLS} calls are under way already`, false);
  }

  /**
   * A call counts until the store answers it, even when it is too late for the caller: a store that hangs must not pile
   * up work. A store may be anybody's code: an answer that `onAnswer` cannot read has failed like any other.
   *
   * @param onAnswer runs in the context of the request
   */
  private wait<T>(
    operation: Operation,
    answer: Promise<T>,
    onAnswer?: (answer: T, session: NamedSession) => T,
    session: NamedSession = NO_SESSION,
  ): Promise<T> {
    const { deadline } = this;
    const answered = new Promise<T>((resolve, reject) => {
      const waiting = deadline?.begin(reject);
      this.calls++;
      /** @returns whether the caller still waits */
      const isInTime = (): boolean => {
        this.calls--;
        return waiting === undefined || deadline?.end(waiting) === true;
      };
      answer.then(
        (value) => {
          if (!isInTime()) return;
          try {
            resolve(onAnswer ? onAnswer(value, session) : value);
          } catch (cause) {
            reject(cause);
          }
        },
        (cause: unknown) => void (isInTime() && reject(cause)),
      );
    });
    // Reported from here, not from where it fails: listeners run in the context of the request, a deadline in none.
    return answered.catch((cause: unknown) => {
      throw this.reported(operation, cause);
    });
  }

  /** The error of a call that failed, after those who listen for failures have been told. */
  private reported(operation: Operation, cause: unknown): Error {
    if (cause instanceof UnexpectedSessionError) return cause;
    const error = cause instanceof SessionStoreError ? cause : this.failed(operation, cause);
    this.reports.onFailure?.(error);
    return error;
  }

  /** @param applied false where the store was not called; a store that was may have done what it was asked for */
  private failed(
    operation: Operation,
    cause: unknown,
    applied: SessionStoreError['applied'] = operation === 'load' || operation === 'list' ? false : 'unknown',
  ): SessionStoreError {
    const failure = { store: this.store.name, operation, applied };
    if (cause instanceof Error) return new SessionStoreError({ ...failure, problem: cause.message, cause });
    return new SessionStoreError({ ...failure, problem: String(cause) });
  }
}
