import { SessionBusyError } from '../errors/session-busy.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import type { Clock } from '../store/clock.js';
import type { SessionKey } from '../store/session-key.js';
import type { SessionLifetime } from '../store/session-lifetime.js';
import type { SessionRecord, SessionTimes, StoredPart } from '../store/session-record.js';
import { type Payloads, applyCommit } from './apply-commit.js';
import type { PendingCommit } from './pending-commit.js';
import { refuseTooLarge } from './refuse-too-large.js';
import type { SessionSnapshot } from './session-snapshot.js';
import type { StoreGateway } from './store-gateway.js';

/** How a session that this server creates begins. */
export interface SessionBirth {
  readonly lifetime: SessionLifetime;

  /** Set when a session goes on under a new id: when it really began. */
  readonly createdAt?: number;

  /** Set when a session goes on under a new id: what it holds. */
  readonly payloads?: Payloads;
}

/** After this many saves in a row that another server was quicker with, the batch is refused with 503. */
const MAX_ATTEMPTS = 30;

/**
 * One per session and server, while any request of it runs (or the near cache retains it): the head, i.e. the newest state this
 * server knows, stored or being stored, and the queue in which changes go to the store.
 *
 * Invariants:
 * 1. The head is what is stored, plus the commits in flight, plus the waiting ones, applied in that order.
 * 2. One store operation of the session is under way at a time, so what is stored is known exactly whenever one starts.
 * 3. A commit is either part of a save that the store accepted, or it is refused. Never both, never neither.
 * 4. Once ended, nothing is accepted any more.
 */
export class LiveSession {
  /** Until the first save: how to create the session. */
  private birth: SessionBirth | undefined;
  private storedParts: ReadonlyMap<string, StoredPart>;
  private stamp: string | undefined;
  private currentTimes: SessionTimes | undefined;
  private currentLifetime: SessionLifetime;
  private head: Payloads;
  private inFlight: readonly PendingCommit[] = [];
  private waiting: readonly PendingCommit[] = [];
  private joiners: { readonly resolve: (live: boolean) => void; readonly reject: (error: unknown) => void }[] = [];
  private working: Promise<void> | undefined;
  private scheduled = false;
  private ended = false;
  /** Whether the store agrees that it ended; rejects when that is not known. */
  private endConfirmed: Promise<unknown> = Promise.resolve();
  /** By the clock of this server: when the store last answered about the session, and thus had its end of life moved if that was due. */
  private heardAt: number;
  /** The outcome of a save is unknown: what is stored must be read before it is trusted again. */
  private suspect = false;
  /** Instances of finished requests that equal a payload of the head; each is handed to the next request that touches the bean. */
  private readonly instances = new Map<string, { readonly payload: string; readonly instance: object }>();

  /** Requests that use it now. Kept by LiveSessions. */
  users = 0;

  private constructor(
    readonly key: SessionKey,
    private readonly store: StoreGateway,
    private readonly clock: Clock,
    origin: SessionRecord | SessionBirth,
  ) {
    this.heardAt = clock.now();
    this.currentLifetime = origin.lifetime;
    if ('stamp' in origin) {
      this.storedParts = origin.parts;
      this.stamp = origin.stamp;
      this.currentTimes = origin;
      this.head = payloadsOf(origin.parts);
    } else {
      this.birth = origin;
      this.storedParts = new Map();
      this.head = origin.payloads ?? new Map();
    }
  }

  static loaded(key: SessionKey, store: StoreGateway, clock: Clock, record: SessionRecord): LiveSession {
    return new LiveSession(key, store, clock, record);
  }

  /** A session that does not exist yet; the first commit creates it. */
  static born(key: SessionKey, store: StoreGateway, clock: Clock, birth: SessionBirth): LiveSession {
    return new LiveSession(key, store, clock, birth);
  }

  get isEnded(): boolean {
    return this.ended;
  }

  get lifetime(): SessionLifetime {
    return this.currentLifetime;
  }

  /** Undefined until the session is stored. */
  get times(): SessionTimes | undefined {
    return this.currentTimes;
  }

  /** Stamp of what is stored, as far as this server knows. */
  get storedStamp(): string | undefined {
    return this.stamp;
  }

  snapshot(): SessionSnapshot {
    const unsaved = this.inFlight.length + this.waiting.length === 0 ? NOTHING : [...this.inFlight, ...this.waiting];
    return { payloads: this.head, unsaved };
  }

  /** The instance the last request left behind, if it still is what `payload` says. Whoever takes it owns it. */
  takeInstance(part: string, payload: string): object | undefined {
    const left = this.instances.get(part);
    if (left?.payload !== payload) return undefined;
    this.instances.delete(part);
    return left.instance;
  }

  /** Leaves an instance for the next request; ignored when the head has moved on. */
  leaveInstance(part: string, payload: string, instance: object): void {
    if (this.head.get(part) === payload) this.instances.set(part, { payload, instance });
    else this.instances.delete(part);
  }

  /**
   * Merges a unit of work into the head and queues it for the next save. Synchronous up to that point, so a unit of work is in the head
   * whole or not at all.
   *
   * @throws SessionConflictError, SessionEndedError, SessionStateError (too large): nothing was changed
   */
  commit(commit: PendingCommit, maxBytes: number): void {
    if (this.ended) throw new SessionEndedError();
    const merged = applyCommit(commit, this.head);
    refuseTooLarge(merged, maxBytes);
    this.head = merged;
    this.waiting = [...this.waiting, commit];
    this.schedule();
  }

  /**
   * Asks the store whether this copy still is the newest, with a load that is sent after this call, and brings the head up to date.
   * Changes on their way are applied onto what the store has.
   *
   * @returns false when the session has ended
   * @throws SessionStoreError
   */
  revalidate(): Promise<boolean> {
    if (this.ended) return this.endConfirmed.then(() => false);
    return new Promise((resolve, reject) => {
      this.joiners.push({ resolve, reject });
      this.work();
    });
  }

  /** Whether a request may join without asking the store, if no other server can have changed the session. */
  isFresh(touchIntervalMs: number): boolean {
    const { currentTimes: times } = this;
    return !this.suspect && times !== undefined && this.clock.now() < times.expiresAt && !this.isTouchDue(touchIntervalMs);
  }

  /** Whether the store must be told that the session is still in use. */
  isTouchDue(touchIntervalMs: number): boolean {
    return this.clock.now() - this.heardAt >= touchIntervalMs;
  }

  /** The store was told that the session is in use. */
  wasTouched(): void {
    this.heardAt = this.clock.now();
  }

  /**
   * Ends it on this server: commits are refused from now on, those that wait are refused at once, and who wants to join waits until
   * `confirmed` tells whether it has ended in the store, too.
   */
  end(confirmed: Promise<unknown> = Promise.resolve()): void {
    this.ended = true;
    this.endConfirmed = confirmed;
    confirmed.catch(() => undefined);
    this.instances.clear();
    this.refuse(this.waiting, () => new SessionEndedError());
    this.waiting = [];
  }

  /** Resolves when no store operation is under way. */
  async idle(): Promise<void> {
    while (this.working || this.scheduled) await (this.working ?? new Promise((resolve) => setImmediate(resolve)));
  }

  /**
   * A lone request's changes go to the store at once. Where others run too, the save waits for the end of this turn of the
   * event loop and takes along what finishes meanwhile.
   */
  private schedule(): void {
    if (this.working || this.scheduled) return;
    if (this.users <= 1) {
      this.work();
      return;
    }
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.work();
    });
  }

  private work(): void {
    this.working ??= this.drain();
  }

  /** Never rejects: saves and loads hand their failures to whoever waits for them. */
  private async drain(): Promise<void> {
    while (this.waiting.length > 0 || this.joiners.length > 0) {
      if (this.waiting.length > 0) await this.save();
      if (this.joiners.length > 0) await this.load();
    }
    this.working = undefined;
  }

  private async save(): Promise<void> {
    let batch = this.waiting;
    this.waiting = [];
    this.inFlight = batch;
    let target = this.head;
    try {
      for (let attempt = 1; ; attempt++) {
        const result = await this.store.save(this.changeTo(target, batch));
        if (result.outcome === 'gone') {
          this.refuse(batch, () => new SessionEndedError());
          this.end();
          return;
        }
        if (result.outcome === 'saved') {
          this.saved(target, result.stamp, result.times, batch);
          for (const commit of batch) commit.stored();
          return;
        }
        this.adopt(result.record);
        batch = this.reapply(batch, (payloads) => (target = payloads));
        this.inFlight = batch;
        this.waiting = this.reapply(this.waiting, (payloads) => (this.head = payloads), target);
        if (batch.length === 0) return;
        if (attempt === MAX_ATTEMPTS) {
          throw new SessionBusyError(`another server changed the session ${MAX_ATTEMPTS} times in a row while this one tried to`);
        }
        await backOff(attempt);
      }
    } catch (error) {
      // Whether the store has applied the save is unknown. What waits was built on it and cannot be stored either.
      const cause = error instanceof Error ? error : new Error(String(error));
      this.refuse([...batch, ...this.waiting], () => cause);
      this.waiting = [];
      this.head = payloadsOf(this.storedParts);
      this.suspect = true;
    } finally {
      this.inFlight = [];
    }
  }

  private async load(): Promise<void> {
    const joiners = this.joiners;
    this.joiners = [];
    try {
      const result = await this.store.load(this.key, this.stamp);
      if (result.outcome === 'none' || this.ended) {
        this.end();
      } else if (result.outcome === 'unchanged') {
        this.currentTimes = result.times;
        this.heard();
      } else {
        this.adopt(result.record);
        this.waiting = this.reapply(this.waiting, (payloads) => (this.head = payloads));
        this.heard();
      }
      for (const { resolve } of joiners) resolve(!this.ended);
    } catch (error) {
      for (const { reject } of joiners) reject(error);
    }
  }

  private changeTo(target: Payloads, batch: readonly PendingCommit[]) {
    const parts = new Map<string, { base: string | null; payload: string }>();
    for (const [name, payload] of target) {
      const stored = this.storedParts.get(name);
      if (stored?.payload !== payload) parts.set(name, { base: stored?.version ?? null, payload });
    }
    const lifetime = batch.findLast((commit) => commit.lifetime)?.lifetime;
    return { key: this.key, birth: this.birth, lifetime, parts };
  }

  private saved(target: Payloads, stamp: string, times: SessionTimes, batch: readonly PendingCommit[]): void {
    const parts = new Map<string, StoredPart>();
    for (const [name, payload] of target) {
      const stored = this.storedParts.get(name);
      parts.set(name, stored?.payload === payload ? stored : { version: stamp, payload });
    }
    this.storedParts = parts;
    this.stamp = stamp;
    this.currentTimes = times;
    this.birth = undefined;
    this.heard();
    this.currentLifetime = batch.findLast((commit) => commit.lifetime)?.lifetime ?? this.currentLifetime;
  }

  private heard(): void {
    this.suspect = false;
    this.heardAt = this.clock.now();
  }

  /** Takes what the store has as the new ground; the caller re-applies what is on its way. */
  private adopt(record: SessionRecord): void {
    this.storedParts = record.parts;
    this.stamp = record.stamp;
    this.currentTimes = record;
    this.currentLifetime = record.lifetime;
    this.head = payloadsOf(record.parts);
  }

  /** Applies commits in order onto `from`; those that clash are refused, the others are returned. */
  private reapply(commits: readonly PendingCommit[], setResult: (payloads: Payloads) => void, from = this.head): readonly PendingCommit[] {
    let payloads = from;
    const kept = commits.filter((commit) => {
      try {
        payloads = applyCommit(commit, payloads);
        return true;
      } catch (error) {
        commit.refuse(error as Error);
        return false;
      }
    });
    setResult(payloads);
    return kept;
  }

  private refuse(commits: readonly PendingCommit[], reason: () => Error): void {
    for (const commit of commits) if (!commit.isSettled) commit.refuse(reason());
  }
}

const NOTHING: readonly PendingCommit[] = [];

function payloadsOf(parts: ReadonlyMap<string, StoredPart>): Payloads {
  const payloads = new Map<string, string>();
  for (const [name, part] of parts) payloads.set(name, part.payload);
  return payloads;
}

/** Grows with the attempts and is random, so that servers that collide once do not collide again. */
function backOff(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(16, attempt)));
}
