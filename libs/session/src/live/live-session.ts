import { SessionBusyError } from '../errors/session-busy.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { SessionLimitError } from '../errors/session-limit.error.js';
import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import type { ClientAccess, SessionKey } from '../store/session-id.js';
import type { SessionRecord } from '../store/session-record.js';
import type { SaveResult, SessionLocation } from '../store/session-store.js';
import type { StoreGateway } from '../store/store-gateway.js';
import type { RequestTiming } from '../timing/request-timing.js';
import { CommitQueue, LOCK_LOST, MAX_ATTEMPTS, type SessionSnapshot, backOff } from './commit-queue.js';
import type { DeferredCommit } from './deferred-commit.js';
import type { PendingCommit } from './pending-commit.js';
import { SerialWork } from './serial-work.js';
import { type NewSession, StoredSession, type StoredSessionSettings, type StoredState } from './stored-session.js';

/** The options of the module that live sessions read. */
export interface LiveSessionSettings extends StoredSessionSettings {
  readonly touchIntervalMs: number;
  readonly maxSessionBytes: number;
}

/** A request that waits for the next load. */
interface Joiner {
  /** Its client has presented the id; otherwise the application has named the session. */
  readonly isClient: boolean;
  readonly locator: string | undefined;
  readonly resolve: (isLive: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One per session, id and server, while any request of it runs or the near cache keeps it: the head, i.e. the newest
 * state this server knows, stored or being stored, and the queue in which changes go to the store.
 *
 * Invariants:
 * 1. The head is what is stored, plus the batch that is being saved, plus the waiting commits, applied in that order.
 * 2. One save, load or renewal of the session is under way at a time, so what is stored is known whenever one starts.
 *    (A touch changes no state; a destroy may overtake: whatever it meets, the session is gone afterwards.)
 * 3. A commit is either part of a save that the store accepted, or it is refused. Never both, never neither. Only when
 *    the store fails can a refused one turn out to be stored.
 * 4. While ended, nothing is accepted; a commit in flight when it ended is whatever the store says.
 */
export class LiveSession extends SerialWork {
  private readonly known: StoredSession;
  private readonly queue: CommitQueue;
  private joiners: Joiner[] | undefined;
  private isScheduled = false;

  /** Resolves when the store agrees that the session has ended. */
  private endConfirmed: Promise<unknown> = CONFIRMED;

  /** Nothing is accepted any more. */
  isEnded = false;

  /** It has ended because it goes on under another id. */
  isRenewed = false;

  /** For the map of LiveSessions. */
  sibling: LiveSession | undefined;

  /** For the near cache: the order in which sessions were used, and the bytes this one counts for; 0: not kept. */
  older: LiveSession | undefined;
  newer: LiveSession | undefined;
  keptBytes = 0;

  /** Requests that use it now. LiveSessions counts them. */
  users = 0;

  /** How often the store had something newer when it was asked. */
  reloads = 0;

  /**
   * @param origin what was loaded, or how to create a session that does not exist yet
   * @param location where the session is, as the store said with what was loaded
   */
  constructor(
    readonly access: ClientAccess,
    private readonly gateway: StoreGateway,
    private readonly settings: LiveSessionSettings,
    origin: SessionRecord | NewSession,
    location: SessionLocation = NO_LOCATION,
  ) {
    super();
    this.known = new StoredSession(access, origin, location, settings);
    const { payloads } = this.known;
    const head = 'stamp' in origin ? payloads : (origin.payloads ?? payloads);
    this.queue = new CommitQueue(payloads, head, settings.maxSessionBytes);
  }

  get key(): SessionKey {
    return this.access.key;
  }

  /** The state that the store has, as far as this server knows. */
  get stored(): StoredState {
    return this.known;
  }

  /** What a unit of work that begins now sees. */
  snapshot(): SessionSnapshot {
    return this.queue.snapshot;
  }

  /**
   * Merges a unit of work into the head and queues it for the next save. Synchronous up to that point, so a unit of
   * work is in the head whole or not at all.
   *
   * @param timing of the request, if it is measured
   * @returns when it is stored; undefined if it is already
   * @throws SessionConflictError, SessionEndedError, SessionStateError (too large): nothing was changed
   */
  commit(commit: PendingCommit, timing?: RequestTiming): MaybePromise<void> {
    if (timing) return timing.during('sessionSave', () => this.commit(commit));
    if (this.isEnded) throw new SessionEndedError();
    this.queue.add(commit);
    this.scheduleSave();
    return commit.isStored ? undefined : commit.done;
  }

  /**
   * As `commit`, for changes that may wait: the next save takes them along, or `storeDeferred` stores them.
   * @throws as `commit`
   */
  defer(commit: DeferredCommit): void {
    if (this.isEnded) throw new SessionEndedError();
    this.queue.add(commit);
  }

  /** Stores what `defer` has left, unless a save has taken it along. Never fails: the commits are told. */
  storeDeferred(): Promise<void> {
    return this.runJob(async () => {
      if (this.queue.hasDeferred) await this.save();
    });
  }

  /**
   * Asks the store whether this copy still is the newest, with a load that is sent after this call, and brings the head
   * up to date. Changes on their way are applied onto what the store has.
   *
   * @param locator where the session is, as the client says
   * @param isClient whether a client has presented the id, which it confirms with that; otherwise the application has
   * named the session
   * @returns false when the session has ended
   * @throws SessionStoreError
   */
  revalidate(locator?: string, isClient = true): Promise<boolean> {
    return new Promise((resolve, reject) => {
      (this.joiners ??= []).push({ isClient, locator, resolve, reject });
      this.work();
    });
  }

  /**
   * Runs `job` while no other store operation of the session is under way; commits wait meanwhile, and are refused if
   * it ends the session.
   * @throws SessionEndedError when the session has ended before its turn; what `job` throws
   */
  exclusively<T>(job: () => Promise<T>): Promise<T> {
    return this.runJob(async () => {
      // The job may give the session another id, under which nothing that waits is stored any more.
      if (this.queue.hasDeferred) await this.save();
      if (this.isEnded) throw new SessionEndedError();
      return job();
    });
  }

  /** Whether a request may join without asking the store, if no other server can have changed the session. */
  isFresh(): boolean {
    const { stamp, times } = this.known;
    // The store must hear once that the client came back: until then the session lives for a short time only.
    const isKnown = !this.isEnded && stamp !== undefined && times?.confirmed === true;
    return isKnown && this.settings.clock.now() < times.expiresAt && !this.isTouchDue();
  }

  /** Whether the store must be told that the session is still in use. */
  isTouchDue(): boolean {
    return !this.isEnded && this.known.isIdleFor(this.settings.touchIntervalMs);
  }

  /** Tells the store that the session is in use; if the store has none, the session has ended. */
  async touch(): Promise<void> {
    const { outcome } = await this.gateway.touch(this.access);
    if (outcome === 'touched') this.known.touched();
    else this.endAs(outcome);
  }

  /** A client is told now for how long it keeps the id. */
  endTold(): void {
    this.known.isEndUntold = false;
  }

  /** Others may have changed the session: this copy is not served until the store is asked. */
  untrustWatch(): void {
    this.known.untrustWatch();
  }

  /** An answer of the store is missing: it must be asked before this copy is trusted again. */
  forgetStamp(): void {
    this.known.forgetStamp();
  }

  /**
   * Ends it on this server: commits are refused from now on, waiting ones at once. With `confirmed`, requests that join
   * wait until it settles; if it rejects, it is unknown whether the session has ended, so it goes on and the store is
   * asked.
   */
  end(confirmed: Promise<unknown> = CONFIRMED): void {
    this.isEnded = true;
    this.endConfirmed = confirmed;
    this.queue.refuseWaiting(new SessionEndedError());
    confirmed.catch(() => {
      // Unless another call has ended it, or tries to, or its id is a former one.
      if (this.endConfirmed === confirmed && !this.isRenewed) this.isEnded = false;
      this.forgetStamp();
    });
  }

  /** Whether it has ended, as soon as that is confirmed or has failed. Then it goes on: see `end`. */
  async hasEnded(): Promise<boolean> {
    await this.endConfirmed.catch(() => undefined);
    return this.isEnded;
  }

  /** Another server has changed the session meanwhile: changes on their way are applied onto that. */
  adopt({ record, ...location }: Extract<SaveResult, { outcome: 'conflict' }>): void {
    this.known.adopt(record);
    this.known.locate(location);
    this.queue.rebase(this.known.payloads);
  }

  /**
   * The store has no session that this id opens. With `superseded` the id is a former one: what began under it neither
   * sees nor changes what comes after.
   */
  endAs(outcome: 'none' | 'gone' | 'superseded'): void {
    this.isRenewed ||= outcome === 'superseded';
    this.end();
  }

  /**
   * A lone request's changes go to the store now, and so do all changes of a store in this process. Where other
   * requests run too, the save waits for the end of this turn of the event loop and takes along what comes meanwhile.
   */
  private scheduleSave(): void {
    if (this.isWorking || this.isScheduled) return;
    if (this.users <= 1 || !this.gateway.isShared) return this.work();
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.work();
    });
  }

  protected override get hasChanges(): boolean {
    return this.queue.hasWaiting;
  }

  protected override get hasJoiners(): boolean {
    return this.joiners !== undefined;
  }

  protected override save(): MaybePromise<void> {
    this.queue.startBatch();
    try {
      const answer = this.sendBatch();
      if (isPromise(answer)) return this.finishSave(answer);
      this.onSaveResult(answer);
      return this.queue.hasBatch ? this.finishSave(this.resendBatch(1)) : undefined;
    } catch (error) {
      return this.onSaveFailure(error);
    }
  }

  private async finishSave(answer: Promise<SaveResult>): Promise<void> {
    try {
      let result = await answer;
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        this.onSaveResult(result);
        if (!this.queue.hasBatch) return;
        if (attempt < MAX_ATTEMPTS) result = await this.resendBatch(attempt);
      }
      const busy = `another server changed the session ${MAX_ATTEMPTS} times in a row while this one tried to`;
      this.queue.refuseBatch(new SessionBusyError(busy));
      this.queue.rebase(this.known.payloads);
    } catch (error) {
      this.onSaveFailure(error);
    }
  }

  private sendBatch(): MaybePromise<SaveResult> {
    const { queue, known } = this;
    known.isAsked();
    return this.gateway.save(known.changeTo(queue.target, queue.lifetime, queue.lock));
  }

  private async resendBatch(attempt: number): Promise<SaveResult> {
    await backOff(attempt);
    return this.sendBatch();
  }

  /**
   * Where another server was quicker, the batch is applied again onto what that has stored; what is left of it is sent
   * again.
   */
  private onSaveResult(result: SaveResult): void {
    const { queue, known: stored } = this;
    switch (result.outcome) {
      case 'saved':
        stored.saved(queue.target, queue.lifetime, result.stamp, result.times);
        stored.noteAnswer(result);
        return queue.batchStored();
      case 'gone':
      case 'superseded':
        queue.refuseAll(new SessionEndedError(), stored.payloads);
        return this.endAs(result.outcome);
      case 'unlocked':
        queue.refuseBatch(new SessionBusyError(LOCK_LOST), true);
        return queue.rebase(stored.payloads);
      case 'limit':
        // It would have begun with this save.
        queue.refuseAll(new SessionLimitError(), stored.payloads);
        return this.end();
      case 'conflict':
        queue.countRetry();
        return this.adopt(result);
    }
  }

  /** It is unknown whether the store has applied the save. */
  private onSaveFailure(error: unknown): void {
    this.known.forgetStamp();
    this.queue.refuseAll(error instanceof Error ? error : new Error(String(error)), this.known.payloads);
  }

  protected override async load(): Promise<void> {
    const { joiners = [] } = this;
    this.joiners = undefined;
    try {
      // The locator of a client decides which copies are too old for it, so the store is asked with each.
      const clients = joiners.filter(({ isClient }) => isClient);
      for (const locator of new Set(clients.map((joiner) => joiner.locator))) {
        if (!this.isEnded) await this.bringUp(locator);
      }
      if (clients.length === 0 && !this.isEnded) await this.bringUp(undefined, false);
      if (this.isEnded) await this.endConfirmed;
      for (const { resolve } of joiners) resolve(!this.isEnded);
    } catch (error) {
      // An answer that comes too late is thrown away, and may have been the only sign of a change elsewhere.
      this.untrustWatch();
      for (const { reject } of joiners) reject(error);
    }
  }

  /**
   * Asks the store for the newest state. Only while nothing else asks: in `exclusively`.
   * @param isClient see `revalidate`
   * @throws SessionStoreError
   */
  async bringUp(locator = this.known.location.locator, isClient = true): Promise<void> {
    const { access, key, known: stored } = this;
    stored.isAsked();
    const asking = isClient ? access : { key, logins: stored.identity.logins };
    const result = await this.gateway.load(asking, stored.stamp, locator);
    // It is over, or another principal has it. The id says which.
    if (result.outcome === 'none' && !isClient) return this.bringUp(locator);
    if (result.outcome === 'none' || result.outcome === 'superseded') return this.endAs(result.outcome);
    if (result.outcome === 'found' && result.record.proof !== access.proof) return this.endAs('superseded');
    stored.noteAnswer(result);
    if (result.outcome === 'unchanged') {
      stored.adoptTimes(result.times);
      return undefined;
    }
    this.reloads++;
    stored.adopt(result.record);
    return this.queue.rebase(stored.payloads);
  }
}

const NO_LOCATION: SessionLocation = {};

/** Made outside of every request: on Node 20 a promise keeps the request alive in which it was made. */
const CONFIRMED: Promise<unknown> = Promise.resolve();
