import { randomBytes } from 'node:crypto';
import { SessionError } from '../errors/session.error.js';
import { SessionStoreError } from '../errors/session-store.error.js';
import { answerAtOnce } from './at-once.js';
import type { SessionChange } from './session-change.js';
import { generateSessionId, sessionKeyOf } from './session-id.js';
import type { SessionKey } from './session-key.js';
import type { LoadOptions, LoadResult, SaveResult, SessionStore } from './session-store.js';
import { Deadline } from './deadline.js';

/** Beyond this many calls that the store has not answered, requests are refused at once. */
const MAX_UNDER_WAY = 5_000;

/**
 * The one way from the library to its store: gives every save its write id and turns whatever a store throws into a
 * `SessionStoreError`, so that "the store is down" is never taken for "no session". No call is waited for longer than
 * `storeTimeoutMs`; whether one that took longer was applied is unknown.
 */
export class StoreGateway {
  private readonly writer = randomBytes(9).toString('base64url');
  private writes = 0;
  private underWay = 0;
  private readonly deadline: Deadline | undefined;

  constructor(
    private readonly store: SessionStore,
    private readonly touchIntervalMs: number,
    storeTimeoutMs?: number,
    /** Told when all who had a session have lost it. */
    private readonly onLost: (key: SessionKey) => void = () => undefined,
    /** Told of each call that failed. */
    private readonly onFailure: (error: SessionStoreError) => void = () => undefined,
  ) {
    // A store in this process answers in this turn of the event loop or the next.
    if (store.capabilities.shared && storeTimeoutMs !== undefined)
      this.deadline = new Deadline(storeTimeoutMs, '(storeTimeoutMs)');
  }

  /** Have `onChange` told of sessions that others change, of a store that can tell. */
  subscribe(onChange: (key: SessionKey) => void): void {
    this.store.subscribe?.(onChange);
  }

  /** Of the store. */
  get name(): string {
    return this.store.name;
  }

  /** Answers say where a session is, and clients bring that along. */
  get locates(): boolean {
    return this.store.capabilities.locates === true;
  }

  /** Other servers may change the sessions of this store. */
  get isShared(): boolean {
    return this.store.capabilities.shared;
  }

  /** Loads for a request that uses the session: the client has joined, which the answer says too, and the end of life moves. */
  load(key: SessionKey, known?: string, locator?: string): Promise<LoadResult> {
    const options = this.optionsOf(known, locator);
    return this.ask(
      'load',
      () => this.store.load(key, options),
      (result) => this.joined(key, result),
    );
  }

  /** Like `load`, in the call itself; undefined when the store's answers take time. */
  loadAtOnce(key: SessionKey): LoadResult | undefined {
    const load = answerAtOnce(this.store, 'load');
    if (!load) return undefined;
    try {
      return this.joined(key, load(this.store, key, this.optionsOf()));
    } catch (cause) {
      throw this.failure('load', cause);
    }
  }

  /** What the store itself has to tell an operator. */
  figures(): Readonly<Record<string, number>> {
    return this.store.figures?.() ?? {};
  }

  /** Asks the store for a session that nobody has: tells whether it answers, and changes nothing. */
  async probe(): Promise<void> {
    await this.ask('load', () => this.store.load(sessionKeyOf(generateSessionId())));
  }

  /** @param locator where the state is that the change was made from, as the store said */
  save(content: Omit<SessionChange, 'writeId'>, locator?: string): Promise<SaveResult> {
    const change = this.changeOf(content, locator);
    return this.ask(
      'save',
      () => this.store.save(change),
      (result) => this.stored(content.key, result),
    );
  }

  /** Whether `saveAtOnce` can be called. */
  get savesAtOnce(): boolean {
    return answerAtOnce(this.store, 'save') !== undefined;
  }

  /** Like `save`, in the call itself; only where `savesAtOnce`. */
  saveAtOnce(content: Omit<SessionChange, 'writeId'>, locator?: string): SaveResult {
    const save = answerAtOnce(this.store, 'save');
    if (!save) throw this.failed('save', 'its answers take time');
    try {
      return save(this.store, this.changeOf(content, locator));
    } catch (cause) {
      throw this.failure('save', cause);
    }
  }

  touch(key: SessionKey): Promise<boolean> {
    return this.ask('touch', () => this.store.touch(key));
  }

  destroy(key: SessionKey, ifStamp?: string): Promise<boolean> {
    return this.ask('destroy', () => this.store.destroy(key, ifStamp));
  }

  /** Whether requests can have a session for themselves: a store that nobody shares needs no lock for that. */
  get canLock(): boolean {
    return !this.isShared || this.store.capabilities.locks === true;
  }

  lock(key: SessionKey, token: string, leaseMs: number): Promise<boolean> {
    return this.ask('lock', async () => (await this.store.lock?.(key, token, leaseMs)) ?? false);
  }

  unlock(key: SessionKey, token: string): Promise<void> {
    return this.ask('unlock', async () => this.store.unlock?.(key, token));
  }

  /** @throws SessionStoreError naming the store: it is shared and cannot lock */
  refuseWithoutLock(): void {
    if (!this.canLock)
      throw this.failed('lock', 'servers share it, and it has no locks: a request cannot have a session for itself');
  }

  private optionsOf(known?: string, locator?: string): LoadOptions {
    return {
      touchAfterMs: this.touchIntervalMs,
      ...(known !== undefined && { known }),
      ...(this.locates && locator !== undefined && { locator }),
    };
  }

  /** What the store answers tells of the client as it was before. */
  private joined(key: SessionKey, result: LoadResult): LoadResult {
    switch (result.outcome) {
      case 'found':
        return result.record.joined ? result : { ...result, record: { ...result.record, joined: true } };
      case 'unchanged':
        return result.times.joined ? result : { ...result, times: { ...result.times, joined: true } };
      case 'none':
        if (result.lost) this.onLost(key);
        return result;
    }
  }

  private changeOf(
    { key, mode, lifetime, createdAt, lock, parts }: Omit<SessionChange, 'writeId'>,
    locator: string | undefined,
  ): SessionChange {
    const writeId = `${this.writer}${(this.writes++).toString(36)}`;
    return { key, mode, writeId, lifetime, createdAt, lock, locator, parts };
  }

  private stored(key: SessionKey, result: SaveResult): SaveResult {
    if (result.outcome === 'gone' && result.lost) this.onLost(key);
    return result;
  }

  /**
   * A call counts until the store is done with it, also when nobody waits any more: a store that hangs must not pile up work. A store may be anybody's: one
   * that throws instead of rejecting, or answers nothing, has failed like any other.
   *
   * @param onAnswer called in the context of the request
   */
  private ask<T>(
    operation: SessionStoreError['operation'],
    call: () => Promise<T>,
    onAnswer?: (answer: T) => T,
  ): Promise<T> {
    if (this.underWay >= MAX_UNDER_WAY)
      return Promise.reject(this.failed(operation, `${MAX_UNDER_WAY} calls are under way already`));
    const { deadline } = this;
    const answered = new Promise<T>((resolve, reject) => {
      const answer = begun(call);
      const waiting = deadline?.begin(reject);
      this.underWay++;
      /** @returns whether anybody waits */
      const over = (): boolean => {
        this.underWay--;
        return waiting === undefined || deadline?.end(waiting) === true;
      };
      answer.then(
        (value) => {
          if (!over()) return;
          try {
            resolve(onAnswer ? onAnswer(value) : value);
          } catch (cause) {
            reject(cause);
          }
        },
        (cause: unknown) => void (over() && reject(cause)),
      );
    });
    // Here and not where it fails: who listens to failures is to be told in the context of the request, and a deadline passes in none.
    return answered.catch((cause: unknown) => {
      throw this.failure(operation, cause);
    });
  }

  private failure(operation: SessionStoreError['operation'], cause: unknown): SessionError {
    const error =
      cause instanceof SessionError
        ? cause
        : this.failed(operation, cause instanceof Error ? cause.message : String(cause), { cause });
    if (error instanceof SessionStoreError) this.onFailure(error);
    return error;
  }

  private failed(
    operation: SessionStoreError['operation'],
    problem: string,
    options?: ErrorOptions,
  ): SessionStoreError {
    return new SessionStoreError(this.store.name, operation, problem, options);
  }
}

/** A promise whatever the call does. */
function begun<T>(call: () => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(call());
  } catch (cause) {
    return Promise.reject(cause);
  }
}
