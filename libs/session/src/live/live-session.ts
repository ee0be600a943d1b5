import { SessionBusyError } from '../errors/session-busy.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import type { SessionChange } from '../store/session-change.js';
import type { SessionKey } from '../store/session-key.js';
import type { SessionLifetime } from '../store/session-lifetime.js';
import type { SessionRecord, SessionTimes } from '../store/session-record.js';
import type { SaveResult, SessionWatch, SessionLocation } from '../store/session-store.js';
import { applyCommit } from './apply-commit.js';
import { applyCommits } from './apply-commits.js';
import { backOff } from './back-off.js';
import { LeftInstances } from './left-instances.js';
import type { LiveSessionSettings } from './live-session-settings.js';
import { MAX_ATTEMPTS } from './max-attempts.js';
import type { Payloads } from './payloads.js';
import type { PendingCommit } from './pending-commit.js';
import type { NewSession } from './new-session.js';
import type { SessionSnapshot } from './session-snapshot.js';
import type { StoreGateway } from '../store/store-gateway.js';
import { StoredSession } from './stored-session.js';

interface Joiner {
  readonly locator: string | undefined;
  readonly resolve: (live: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One per session and server, while any request of it runs (or the near cache retains it): the head, i.e. the newest state this
 * server knows, stored or being stored, and the queue in which changes go to the store.
 *
 * Invariants:
 * 1. The head is what is stored, plus the commits in flight, plus the waiting ones, applied in that order.
 * 2. One save, load or renewal of the session is under way at a time, so what is stored is known whenever one starts. (Touch
 *    changes no state; destroy may overtake: whatever it meets, the session is gone afterwards.)
 * 3. A commit is either part of a save that the store accepted, or it is refused. Never both, never neither. Only when the store
 *    fails can a refused one turn out to be stored.
 * 4. While ended, nothing is accepted; a commit in flight when it ended is whatever the store says.
 */
export class LiveSession {
  private readonly stored: StoredSession;
  private readonly instances = new LeftInstances();
  private head: Payloads;

  /** What is stored, plus the commits in flight. */
  private target: Payloads;
  private inFlight: readonly PendingCommit[] = NONE;
  private waiting: readonly PendingCommit[] = NONE;
  private joiners: Joiner[] = [];
  private readonly jobs: (() => Promise<void>)[] = [];
  private isWorking = false;
  private isScheduled = false;
  private ended = false;
  private renewed = false;

  /** Resolves when the store agrees that it ended. */
  private endConfirmed: Promise<unknown> = CONFIRMED;

  /** By the clock of this server: when the store last answered, and thus had its end of life moved if that was due. */
  private heardAt: number;

  /** How often others may have changed the session, as far as this server was told. */
  private doubts = 0;

  private whereabouts: SessionLocation = NOWHERE;

  /** Requests that use it now. Kept by LiveSessions. */
  users = 0;

  /** How often the store had something newer when it was asked. */
  reloads = 0;

  /**
   * @param origin what was loaded, or how to create a session that does not exist yet
   * @param whereabouts what the store said with what was loaded
   */
  constructor(
    readonly key: SessionKey,
    private readonly store: StoreGateway,
    private readonly settings: LiveSessionSettings,
    origin: SessionRecord | NewSession,
    whereabouts: SessionLocation = NOWHERE,
  ) {
    this.stored = new StoredSession(key, origin);
    this.whereabouts = whereabouts;
    this.target = this.stored.payloads;
    this.head = 'stamp' in origin ? this.target : (origin.payloads ?? this.target);
    this.heardAt = settings.clock.now();
  }

  get isEnded(): boolean {
    return this.ended;
  }

  /** It has ended because it goes on under another id. */
  get isRenewed(): boolean {
    return this.renewed;
  }

  get lifetime(): SessionLifetime {
    return this.stored.lifetime;
  }

  /** Undefined until the session is stored. */
  get times(): SessionTimes | undefined {
    return this.stored.times;
  }

  /** What the store has, with the stamp of exactly that; no stamp when this server cannot know. */
  get ground(): { readonly payloads: Payloads; readonly stamp: string | undefined } {
    return this.stored;
  }

  /** Where the session is, as the store last said. */
  get locator(): string | undefined {
    return this.whereabouts.locator;
  }

  /** Who tells this server when others change the session; undefined when nobody does, or somebody has. */
  get watch(): SessionWatch | undefined {
    return this.whereabouts.watch;
  }

  /** How often the session had been saved, as the store last said: grows with each save, and says how old this copy is. */
  get saves(): number {
    return this.stored.saves;
  }

  /** What `snapshot` would show. */
  get payloads(): Payloads {
    return this.head;
  }

  snapshot(): SessionSnapshot {
    const hasUnsaved = this.inFlight.length + this.waiting.length > 0;
    return { payloads: this.head, unsaved: hasUnsaved ? [...this.inFlight, ...this.waiting] : NONE };
  }

  /** The instance that the last request left behind, if it shows `payload`. Whoever takes it owns it. */
  takeInstance(part: string, payload: string): object | undefined {
    return this.instances.take(part, payload);
  }

  /** Leaves an instance for the next request; ignored when the session is not what it shows any more. */
  leaveInstance(part: string, payload: string, instance: object): void {
    if (!this.ended && this.head.get(part) === payload) this.instances.leave(part, payload, instance);
  }

  /**
   * Merges a unit of work into the head and queues it for the next save. Synchronous up to that point, so a unit of work is in the head
   * whole or not at all; `commit.done` says whether it was stored.
   *
   * @throws SessionConflictError, SessionEndedError, SessionStateError (too large): nothing was changed
   */
  commit(commit: PendingCommit): void {
    if (this.ended) throw new SessionEndedError();
    this.head = applyCommit(commit, this.head, this.settings.maxSessionBytes);
    this.waiting = [...this.waiting, commit];
    this.schedule();
  }

  /**
   * Asks the store whether this copy still is the newest, with a load that is sent after this call, and brings the head up to date.
   * Changes on their way are applied onto what the store has.
   *
   * @param locator what the client says about where the session is
   * @returns false when the session has ended
   * @throws SessionStoreError
   */
  revalidate(locator?: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.joiners.push({ locator, resolve, reject });
      this.work();
    });
  }

  /**
   * Runs `job` while no other store operation of the session is under way; commits wait meanwhile, and are refused if it ends the
   * session.
   * @throws SessionEndedError when the session has ended before its turn; what `job` throws
   */
  exclusively<T>(job: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.jobs.push(async () => {
        if (this.ended) reject(new SessionEndedError());
        else await job().then(resolve, reject);
      });
      this.work();
    });
  }

  /** Whether a request may join without asking the store, if no other server can have changed the session. */
  isFresh(): boolean {
    const { stamp, times } = this.stored;
    // The store must hear once that the client came back: until then the session lives for a short time only.
    const isKnown = !this.ended && stamp !== undefined && times?.joined === true;
    return isKnown && this.settings.clock.now() < times.expiresAt && !this.isTouchDue();
  }

  /** Whether the store has not been asked for that long. */
  isIdleFor(ms: number): boolean {
    return this.settings.clock.now() - this.heardAt >= ms;
  }

  /** Whether the store must be told that the session is still in use. */
  isTouchDue(): boolean {
    return !this.ended && this.isIdleFor(this.settings.touchIntervalMs);
  }

  /** Tells the store that the session is in use; one that is gone has ended. */
  async touch(): Promise<void> {
    if (await this.store.touch(this.key)) this.heardAt = this.settings.clock.now();
    else this.end();
  }

  /**
   * Somebody else may have changed the session: this copy is not trusted until the store is asked. Also when that was while a load or save was
   * under way, whose answer may be from before and yet arrive later.
   */
  doubt(): void {
    this.doubts++;
    this.whereabouts = { ...this.whereabouts, watch: undefined };
  }

  /** What the store has must be read before it is trusted again. */
  distrust(): void {
    this.stored.distrust();
  }

  /**
   * Ends it on this server: commits are refused from now on, those that wait are refused at once. With `confirmed`, who wants to
   * join waits until that tells; if it rejects, nobody knows whether the session has ended, so it goes on and the store is asked.
   */
  end(confirmed: Promise<unknown> = CONFIRMED): void {
    this.ended = true;
    this.endConfirmed = confirmed;
    this.instances.clear();
    this.refuseWaiting(new SessionEndedError());
    confirmed.catch(() => {
      // Unless it is known by now, or somebody else tries to end it.
      if (this.endConfirmed !== confirmed) return;
      this.ended = false;
      this.distrust();
    });
  }

  /** Ends it because it goes on under another id. */
  endRenewed(): void {
    this.renewed = true;
    this.end();
  }

  /**
   * A lone request's changes go to the store at once, and all do where the store answers at once. Where others run too, the save waits for the end of
   * this turn of the event loop and takes along what finishes meanwhile.
   */
  private schedule(): void {
    if (this.isWorking || this.isScheduled) return;
    if (this.store.savesAtOnce) return this.saveAtOnce();
    if (this.users <= 1) return this.work();
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.work();
    });
  }

  private get hasWork(): boolean {
    return this.waiting.length > 0 || this.joiners.length > 0 || this.jobs.length > 0;
  }

  private work(): void {
    if (this.isWorking || !this.hasWork) return;
    this.isWorking = true;
    void this.drain();
  }

  /** Never rejects: each step hands its failure to whoever waits for it. Each gets its turn in every round. */
  private async drain(): Promise<void> {
    while (this.hasWork) {
      if (this.waiting.length > 0) await this.save();
      if (this.joiners.length > 0) await this.load();
      const job = this.jobs.shift();
      if (job) await job();
    }
    this.isWorking = false;
  }

  private async save(): Promise<void> {
    this.takeOff();
    try {
      for (let attempt = 1; ; attempt++) {
        const { doubts } = this;
        if (this.landed(await this.store.save(this.changeInFlight(), this.locator), doubts)) return;
        if (attempt === MAX_ATTEMPTS) return this.giveUp();
        await backOff(attempt);
      }
    } catch (error) {
      this.crashed(error);
    } finally {
      this.inFlight = NONE;
    }
  }

  /**
   * As `save`, in this call. Nobody can change the session between two attempts, so the second is the last. What listeners of events, or merge rules,
   * commit meanwhile waits for its turn.
   */
  private saveAtOnce(): void {
    this.isWorking = true;
    this.takeOff();
    try {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const { doubts } = this;
        if (this.landed(this.store.saveAtOnce(this.changeInFlight(), this.locator), doubts)) return;
      }
      this.giveUp();
    } catch (error) {
      this.crashed(error);
    } finally {
      this.inFlight = NONE;
      this.isWorking = false;
      this.work();
    }
  }

  /** What waits is about to be saved. */
  private takeOff(): void {
    this.inFlight = this.waiting;
    this.waiting = NONE;
    this.target = this.head;
  }

  private get lifetimeInFlight(): SessionLifetime | undefined {
    return this.inFlight.findLast((commit) => commit.lifetime)?.lifetime;
  }

  private changeInFlight(): Omit<SessionChange, 'writeId'> {
    const lock = this.inFlight.find((commit) => commit.lock)?.lock;
    return this.stored.changeTo(this.target, this.lifetimeInFlight, lock);
  }

  /** Whether the store has applied the save is unknown. What waits was built on it and cannot be stored either. */
  private crashed(error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error));
    this.distrust();
    this.refuse(this.inFlight, cause);
    this.target = this.stored.payloads;
    this.refuseWaiting(cause);
  }

  /**
   * @param doubts what they were when the save was sent
   * @returns false when another server was quicker: what is in flight has been re-applied onto what it stored
   */
  private landed(result: SaveResult, doubts: number): boolean {
    switch (result.outcome) {
      case 'saved':
        this.stored.saved(this.target, this.lifetimeInFlight, result.stamp, result.times);
        this.heard(result, doubts);
        for (const commit of this.inFlight) commit.stored();
        return true;
      case 'gone':
        this.refuse(this.inFlight, new SessionEndedError());
        this.end();
        return true;
      case 'unlocked':
        this.refuse(
          this.inFlight.filter((commit) => commit.lock),
          new SessionBusyError('the lock of the session was lost while the request ran; nothing of it was stored'),
        );
        this.reapply();
        return this.inFlight.length === 0;
      case 'conflict':
        for (const commit of this.inFlight) commit.retries++;
        this.stored.adopt(result.record);
        this.locate(result, doubts);
        this.reapply();
        return this.inFlight.length === 0;
    }
  }

  /** Nothing of the batch is stored. What waits and has not read it may still be. */
  private giveUp(): void {
    const busy = `another server changed the session ${MAX_ATTEMPTS} times in a row while this one tried to`;
    this.refuse(this.inFlight, new SessionBusyError(busy));
    this.reapply();
  }

  private async load(): Promise<void> {
    const { joiners } = this;
    this.joiners = [];
    try {
      // What a client says decides which copies are too old for it: each is asked for.
      for (const locator of new Set(joiners.map((joiner) => joiner.locator))) {
        if (!this.ended) await this.refresh(locator);
      }
      if (this.ended) await this.endConfirmed;
      for (const { resolve } of joiners) resolve(!this.ended);
    } catch (error) {
      // What comes too late is thrown away, and may have been all that shows what others changed.
      this.doubt();
      for (const { reject } of joiners) reject(error);
    }
  }

  private async refresh(locator: string | undefined): Promise<void> {
    const { doubts } = this;
    const result = await this.store.load(this.key, this.stored.stamp, locator);
    if (result.outcome === 'none') {
      this.renewed = result.renewed === true;
      return this.end();
    }
    this.heard(result, doubts);
    if (result.outcome === 'unchanged') {
      this.stored.times = result.times;
      return;
    }
    this.reloads++;
    this.stored.adopt(result.record);
    this.reapply();
  }

  /** Applies what is on its way, in order, onto what the store has. What conflicts is refused. */
  private reapply(): void {
    const { maxSessionBytes } = this.settings;
    const unsettled = this.inFlight.filter((commit) => !commit.isSettled);
    const inFlight = applyCommits(unsettled, this.stored.payloads, maxSessionBytes);
    const waiting = applyCommits(this.waiting, inFlight.payloads, maxSessionBytes);
    this.inFlight = inFlight.kept;
    this.target = inFlight.payloads;
    this.waiting = waiting.kept;
    this.head = waiting.payloads;
  }

  private heard(whereabouts: SessionLocation, doubts: number): void {
    this.heardAt = this.settings.clock.now();
    this.locate(whereabouts, doubts);
  }

  /** @param doubts what they were when the store was asked */
  private locate({ locator, watch }: SessionLocation, doubts: number): void {
    this.whereabouts = { locator, watch: doubts === this.doubts ? watch : undefined };
  }

  private refuseWaiting(reason: Error): void {
    this.refuse(this.waiting, reason);
    this.waiting = NONE;
    this.head = this.target;
  }

  private refuse(commits: readonly PendingCommit[], reason: Error): void {
    for (const commit of commits) commit.refuse(reason);
  }
}

const NONE: readonly PendingCommit[] = [];
const NOWHERE: SessionLocation = {};

/** Made outside of every request: on Node 20 a promise holds on to the request it was made in, and a live session may stay for long. */
const CONFIRMED: Promise<unknown> = Promise.resolve();
