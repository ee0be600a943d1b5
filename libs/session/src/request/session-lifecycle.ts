import type { BeanRegistry } from '../bean/bean-registry.js';
import type { SessionBean } from '../bean/session-bean.js';
import { SessionConflictError } from '../errors/session-conflict.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { SessionStateError } from '../errors/session-state.error.js';
import { SessionResponseCommittedError } from '../errors/session-response-committed.error.js';
import { generateSessionId, sessionHash, sessionKeyOf } from '../store/session-id.js';
import type { SessionKey } from '../store/session-key.js';
import type { SessionLifetime } from '../store/session-lifetime.js';
import type { RequestTiming } from '../timing/request-timing.js';
import { timed } from '../timing/timed.js';
import { freshnessOf, NOTHING_SEEN, savesSeen } from '../live/freshness.js';
import type { LiveSession } from '../live/live-session.js';
import type { LocatorOf } from '../live/locate-session.js';
import type { LiveSessions } from '../live/live-sessions.js';
import type { PartDifference } from '../live/part-difference.js';
import { PendingCommit } from '../live/pending-commit.js';
import { renewSession } from './renew-session.js';
import { RenewedId } from '../live/renewed-id.js';
import type { RequestState, PendingActions } from './request-state.js';
import { requestTurns } from './request-turns.js';
import type { SessionEvents } from './session-events.js';
import type { CarriedId, PresentedId } from './id-exchange.js';
import type { StoreGateway } from '../store/store-gateway.js';
import { SessionLocks } from '../store/session-locks.js';
import { tellDestroyed } from './tell-destroyed.js';
import { UnitOfWork } from './unit-of-work.js';

/** What the life cycle reads of the module's options. */
export interface LifecycleSettings extends SessionLifetime {
  readonly touchIntervalMs: number;
  readonly maxSessionBytes: number;

  /** Copies are served without asking, so clients carry with them what they have seen. */
  readonly tellsFreshness?: boolean;

  /** `reset`: a session that is damaged as a whole is none. Default: an error. */
  readonly onUndecodable?: 'reject' | 'reset';

  /** Whether handlers that promised to change nothing are checked; costs what the promise saves. */
  readonly checksReadOnly?: boolean;
}

/**
 * Moves the session of a request: begin, commit (as often as needed), invalidate, end. Knows neither Nest nor HTTP. The response hook,
 * the guard and the interceptor call it; nothing else does.
 */
export class SessionLifecycle {
  private readonly locks: SessionLocks;
  private readonly onUndecodable = (bean: SessionBean, error: SessionStateError, live: LiveSession): void => {
    this.events.emit('undecodable', { session: sessionHash(live.key), bean: bean.name, error });
  };

  constructor(
    private readonly settings: LifecycleSettings,
    private readonly gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly beans: BeanRegistry,
    private readonly events: SessionEvents,
    private readonly onHookError: (error: unknown) => void,
    private readonly onBrokenPromise: (warning: string) => void = () => undefined,
    /** What clients are told about where their session is. Default: nothing. */
    readonly locate: LocatorOf = () => undefined,
  ) {
    this.locks = new SessionLocks(gateway);
  }

  /**
   * Loads the session of the id that the client presented, or begins without one. Idempotent: a request loads once.
   * @returns undefined when there is nothing to wait for
   * @throws SessionStoreError: then there is no session and no handler may run
   */
  begin(request: RequestState): Promise<void> | undefined {
    if (!request.hasBegun) {
      request.hasBegun = true;
      request.loading = this.load(request);
    }
    return request.loading;
  }

  /**
   * Stores what the request has changed so far; a request without a session gets one if there is something to store. When it resolves,
   * the store has the state. When it rejects, the store has nothing of it (as far as the store could be asked) and the request's
   * changes are forgotten.
   *
   * @returns undefined when there is nothing to wait for: nothing was changed
   * @throws SessionConflictError, SessionEndedError, SessionStateError, SessionStoreError, SessionBusyError,
   * SessionResponseCommittedError
   */
  commit(request: RequestState): Promise<void> | undefined {
    // Two commits at once would both see the same difference and store it twice.
    if (request.committing) return requestTurns.take(request, async () => this.commitNow(request));
    const stored = this.commitNow(request);
    if (!stored) return undefined;
    // A hook has begun an invalidation, whose turn comes first: until then nobody else listens.
    if (request.committing) stored.catch(() => undefined);
    return requestTurns.take(request, () => stored);
  }

  /** Whether `commit` has anything to look at, or to wait for: when not, the response need not wait. */
  needsCommit(request: RequestState): boolean {
    if (request.phase !== 'active' && request.phase !== 'detached') return false;
    if (request.committing !== undefined || request.unit?.isTouched) return true;
    if (request.startRequested || request.renewRequested || request.idleTimeoutMs !== undefined) return true;
    return request.live?.isTouchDue() ?? false;
  }

  /**
   * What the client has to be given with the head of the response: an id that is new to it, or news about where the session is. Undefined when
   * it knows all that, and for a session that has ended: a dead id is nothing to give.
   */
  toHandOut(request: RequestState): CarriedId | undefined {
    const { id, live, presented } = request;
    if (id === undefined || !live || live.isEnded) return undefined;
    const locator = this.locate(live);
    return presented?.id === id && presented.locator === locator ? undefined : { id, locator };
  }

  /** What the client has to be told of how much of its session it has seen, in front of what it is about to see; undefined when it knows. */
  toTell({ live, presented, hasLeft }: RequestState): string | undefined {
    if (!this.settings.tellsFreshness) return undefined;
    // Also where another request has ended it meanwhile: what this one wrote may be newer than a copy that another server still trusts.
    const hasEnded = live ? live.isEnded : hasLeft;
    const freshness = hasEnded ? NOTHING_SEEN : live && freshnessOf(live);
    return presented?.freshness === freshness ? undefined : freshness;
  }

  /** Forgets what the request did since its last commit. */
  rollback(request: RequestState): void {
    request.forgetActions();
    request.unit?.rollback();
  }

  /**
   * Ends the session at once, on every server, whatever this request does afterwards. Without a session, forgets what would start one.
   * @throws SessionStoreError: then it is not known to have ended
   */
  async invalidate(request: RequestState): Promise<void> {
    // A commit under way may be about to create the session, or to give it another id.
    const unit = await requestTurns.take(request, () => this.invalidateNow(request));
    if (!unit) return;
    // Not in turn: a hook may commit what it changes.
    await tellDestroyed(this.beans.all(), unit, this.onHookError);
  }

  /**
   * Waits until the request has its session for itself, among all requests that ask for that, and brings it up to what they have stored. Until
   * `unlock`, or the end of the request. A session that ended meanwhile is none; without a session there is nothing to wait for.
   * @throws SessionBusyError after `waitMs`; SessionStoreError
   */
  async lock(request: RequestState, waitMs: number): Promise<void> {
    const { live } = request;
    if (!live || request.lock) return;
    const { timing } = request;
    const lock = await timed(timing, 'lockWait', () => this.locks.acquire(live.key, waitMs));
    try {
      if (request.live !== live) return await lock.release();
      request.lock = lock;
      if (await timed(timing, 'sessionLoad', () => live.revalidate())) request.unit?.rebase(live);
      else await requestTurns.take(request, () => this.leaveEnded(request, live));
    } catch (error) {
      await this.unlock(request);
      throw error;
    }
  }

  async unlock(request: RequestState): Promise<void> {
    const { lock } = request;
    request.lock = undefined;
    if (lock) await timed(request.timing, 'lockWait', () => lock.release());
  }

  /** The response is sent: the beans answer no more. When nothing is under way, instances are handed over and the live session is released. */
  end(request: RequestState): void {
    if (request.phase === 'closed') return;
    request.phase = 'closed';
    request.timing = undefined;
    requestTurns.after(request, () => {
      void this.unlock(request);
      const { live, unit } = request;
      request.unit = undefined;
      if (live && unit && !unit.isTouched && this.liveSessions.isKeptAfter(live)) unit.handOver(live);
      this.release(request);
    });
  }

  /** The client is gone, and code of the request may still run: the live session is released, the beans go on answering. */
  detach(request: RequestState): void {
    if (request.phase !== 'active') return this.end(request);
    request.phase = 'detached';
    requestTurns.after(request, () => {
      void this.unlock(request);
      this.release(request);
    });
  }

  private release(request: RequestState): void {
    const { live } = request;
    request.live = undefined;
    if (live) this.liveSessions.release(live);
  }

  /** For one step of a detached request. */
  private async attach(request: RequestState): Promise<void> {
    if (request.id !== undefined) request.live = await this.liveSessions.acquire(sessionKeyOf(request.id));
    if (!request.live) throw new SessionEndedError();
  }

  private async commitDetached(request: RequestState, differences: readonly PartDifference[]): Promise<void> {
    const { startRequested, renewRequested } = request.takeActions();
    if (differences.length === 0 && !startRequested && !renewRequested) return;
    if (startRequested || renewRequested || request.id === undefined) {
      throw new SessionResponseCommittedError(
        'the client is gone: it cannot be given the id of a new session, and nothing was stored',
      );
    }
    await this.attach(request);
    try {
      if (request.live) {
        await this.update(request, request.live, differences);
        request.unit?.rebase(request.live);
      }
    } finally {
      this.release(request);
    }
  }

  private commitNow(request: RequestState): Promise<void> | undefined {
    const { unit, live } = request;
    if (!unit) return undefined;
    let differences: PartDifference[];
    try {
      differences = request.isReadOnly ? this.readOnlyDifferences(request, unit) : unit.differences();
    } catch (error) {
      request.timing?.catchUp();
      return this.refused(request, error);
    }
    if (this.asksTheStore(request, unit, differences)) {
      const stored = this.store(request, unit, differences);
      request.timing?.catchUp();
      return stored;
    }
    request.timing?.catchUp();
    if (live) this.goOn(request, unit, live);
    return undefined;
  }

  /** Whether a commit has to store something, or to wait for what others store. */
  private asksTheStore(request: RequestState, unit: UnitOfWork, differences: readonly PartDifference[]): boolean {
    if (differences.length > 0 || request.phase !== 'active') return true;
    if (request.startRequested || request.renewRequested || request.idleTimeoutMs !== undefined) return true;
    return unit.dependencies().length > 0 || (request.live?.isTouchDue() ?? false);
  }

  private async refused(request: RequestState, error: unknown): Promise<never> {
    this.rollback(request);
    this.reportConflict(request, error);
    throw error;
  }

  private store(
    request: RequestState,
    unit: UnitOfWork,
    differences: readonly PartDifference[],
  ): Promise<void> | undefined {
    const { live } = request;
    request.timing?.facts.saves(differences);
    if (!live || request.renewRequested || request.phase !== 'active')
      return this.storeLater(request, unit, this.storeElsewhere(request, differences));
    let stored: Promise<void> | undefined;
    try {
      stored = this.update(request, live, differences);
    } catch (error) {
      return this.refused(request, error);
    }
    if (stored) return this.storeLater(request, unit, stored);
    this.goOn(request, unit, live);
    return undefined;
  }

  private async storeLater(request: RequestState, unit: UnitOfWork, stored: Promise<void>): Promise<void> {
    try {
      await stored;
    } catch (error) {
      return this.refused(request, error);
    }
    if (request.live) this.goOn(request, unit, request.live);
  }

  /** Where it is not the session of the request that is changed. */
  private storeElsewhere(request: RequestState, differences: readonly PartDifference[]): Promise<void> {
    if (request.phase === 'detached') return this.commitDetached(request, differences);
    return request.live ? this.renew(request, request.live, differences) : this.create(request, differences);
  }

  private goOn(request: RequestState, unit: UnitOfWork, live: LiveSession): void {
    unit.rebase(live);
    this.noteSession(request, live);
  }

  /** A handler that promised to change nothing is believed in production, and checked elsewhere. */
  private readOnlyDifferences(request: RequestState, unit: UnitOfWork): PartDifference[] {
    const changed = this.settings.checksReadOnly ? unit.differences().map(({ bean }) => bean.name) : [];
    if (changed.length > 0) {
      unit.rollback();
      this.onBrokenPromise(
        `${request.handler ?? 'a handler'} is marked @ReadOnlySession() but changed ${changed.join(', ')}: nothing was stored; remove the mark`,
      );
    }
    unit.settle();
    return [];
  }

  private async leaveEnded(request: RequestState, live: LiveSession): Promise<void> {
    this.leave(request);
    this.liveSessions.release(live);
  }

  /** @returns the unit of work on the session that was ended */
  private async invalidateNow(request: RequestState): Promise<UnitOfWork | undefined> {
    if (request.phase === 'detached' && request.id !== undefined) await this.attach(request);
    const { live, unit } = request;
    this.leave(request);
    if (!live) return undefined;
    try {
      const destroyed = timed(request.timing, 'sessionSave', () => this.gateway.destroy(live.key));
      live.end(destroyed);
      await destroyed;
    } finally {
      this.liveSessions.release(live);
    }
    this.events.emit('invalidated', { session: sessionHash(live.key) });
    return unit;
  }

  private load(request: RequestState): Promise<void> | undefined {
    const presented = (request.presented = request.exchange.presented());
    if (!presented) {
      this.loaded(request, undefined);
      return undefined;
    }
    const key = sessionKeyOf(presented.id);
    let live: LiveSession | undefined;
    try {
      live = this.acquireAtOnce(request, key, presented);
    } catch (error) {
      return this.notLoaded(request, key, error);
    }
    if (!live) return this.loadLater(request, key, presented);
    this.loaded(request, live);
    return undefined;
  }

  private acquireAtOnce(
    { timing }: RequestState,
    key: SessionKey,
    { locator, freshness }: PresentedId,
  ): LiveSession | undefined {
    const saves = savesSeen(freshness, key);
    if (!timing) return this.liveSessions.acquireAtOnce(key, saves);
    const { facts } = timing;
    facts.hasPresented = true;
    facts.locator = locator;
    // A span is made of what takes time.
    if (timing.isTraced) return undefined;
    timing.begin('sessionLoad');
    let isOver = true;
    try {
      const live = this.liveSessions.acquireAtOnce(key, saves, facts);
      // The same phase goes on where the store has to be asked.
      isOver = live !== undefined;
      return live;
    } finally {
      if (isOver) timing.end('sessionLoad');
    }
  }

  private async loadLater(request: RequestState, key: SessionKey, presented: PresentedId): Promise<void> {
    const { timing } = request;
    if (!timing) return this.loaded(request, await this.acquire(request, key, presented));
    if (timing.isTraced) timing.begin('sessionLoad');
    let live: LiveSession | undefined;
    try {
      live = await timing.traced('sessionLoad', () => this.acquire(request, key, presented));
    } finally {
      timing.end('sessionLoad');
    }
    this.loaded(request, live);
  }

  private async notLoaded(request: RequestState, key: SessionKey, error: unknown): Promise<void> {
    this.withoutSession(request, key, error);
    this.loaded(request, undefined);
  }

  private loaded(request: RequestState, live: LiveSession | undefined): void {
    if (request.phase === 'closed') {
      // The client went away meanwhile.
      if (live) this.liveSessions.release(live);
      return;
    }
    if (live) this.use(request, live, request.presented?.id);
    else request.unit = this.unitOn(request, undefined);
    request.phase = 'active';
  }

  private acquire(
    request: RequestState,
    key: SessionKey,
    { locator, freshness }: PresentedId,
  ): Promise<LiveSession | undefined> {
    return this.liveSessions
      .acquire(key, locator, savesSeen(freshness, key), request.timing?.facts)
      .catch((error: unknown) => this.withoutSession(request, key, error));
  }

  /** @throws `error`, unless it means that the request has no session */
  private withoutSession(request: RequestState, key: SessionKey, error: unknown): undefined {
    if (error instanceof RenewedId) {
      request.isLate = true;
      return;
    }
    const isDamaged = error instanceof SessionStateError && error.reason === 'undecodable';
    if (!isDamaged || this.settings.onUndecodable !== 'reset') throw error;
    this.events.emit('undecodable', { session: sessionHash(key), bean: undefined, error });
  }

  private async create(request: RequestState, differences: readonly PartDifference[]): Promise<void> {
    if (differences.length === 0 && !request.startRequested) return;
    // A new session's cookie would take the place of the one that the client got with its new id.
    if (request.isLate) throw new SessionEndedError();
    if (request.exchange.isHeadSent) {
      throw new SessionResponseCommittedError(
        'a session would have to start, but the head of the response is already sent and no cookie can go with it: touch the bean before the first byte',
      );
    }
    const { idleTimeoutMs = this.settings.idleTimeoutMs } = request.takeActions();
    const { absoluteTimeoutMs, unjoinedTimeoutMs } = this.settings;
    const id = request.id ?? generateSessionId();
    const live = this.liveSessions.create(sessionKeyOf(id), {
      lifetime: { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs },
    });
    try {
      await this.save(request, live, new PendingCommit(differences));
    } catch (error) {
      request.id = undefined;
      live.end();
      this.liveSessions.release(live);
      throw error;
    }
    request.isNew = true;
    request.live = live;
    request.id = id;
    this.events.emit('started', { session: sessionHash(live.key) });
  }

  private update(
    request: RequestState,
    live: LiveSession,
    differences: readonly PartDifference[],
  ): Promise<void> | undefined {
    const dependencies = request.unit?.dependencies() ?? [];
    const lifetime = lifetimeChange(request.takeActions(), live);
    if (differences.length > 0 || lifetime)
      return this.save(request, live, new PendingCommit(differences, dependencies, lifetime, request.lock?.token));
    return this.confirm(request, live, dependencies);
  }

  /** Nothing has changed; what this request has read must have become true before its answer leaves. */
  private async confirm(
    { timing }: RequestState,
    live: LiveSession,
    dependencies: readonly PendingCommit[],
  ): Promise<void> {
    for (const dependency of dependencies) await timed(timing, 'sessionSave', () => dependency.done);
    // A request that ran long (a stream, a slow handler) was use of the session until now.
    if (live.isTouchDue()) await timed(timing, 'sessionSave', () => live.touch());
  }

  private async renew(request: RequestState, live: LiveSession, differences: readonly PartDifference[]): Promise<void> {
    if (request.exchange.isHeadSent) {
      throw new SessionResponseCommittedError(
        'the session id cannot be renewed: the head of the response is already sent and no cookie can go with it',
      );
    }
    const lifetime = lifetimeChange(request.takeActions(), live);
    const commit = new PendingCommit(differences, request.unit?.dependencies(), lifetime);
    const { maxSessionBytes } = this.settings;
    const { id, renewed } = await timed(request.timing, 'sessionSave', () =>
      renewSession(live, commit, maxSessionBytes, this.gateway, this.liveSessions),
    );
    this.liveSessions.release(live);
    request.live = renewed;
    request.id = id;
    this.events.emit('renewed', { session: sessionHash(renewed.key), previous: sessionHash(live.key) });
  }

  /** @returns undefined when it is stored already */
  private save({ timing }: RequestState, live: LiveSession, commit: PendingCommit): Promise<void> | undefined {
    timing?.begin('sessionSave');
    if (timing?.isTraced) return this.saveTraced(timing, live, commit);
    try {
      live.commit(commit);
    } catch (error) {
      if (timing) saveIsOver(timing, commit);
      throw error;
    }
    if (commit.isStored) {
      if (timing) saveIsOver(timing, commit);
      return undefined;
    }
    return timing ? timedUntilSaved(timing, commit, commit.done) : commit.done;
  }

  private saveTraced(timing: RequestTiming, live: LiveSession, commit: PendingCommit): Promise<void> | undefined {
    const save = (): Promise<void> => {
      live.commit(commit);
      return commit.done;
    };
    let saved: Promise<void>;
    try {
      saved = timing.traced('sessionSave', save);
    } catch (error) {
      saveIsOver(timing, commit);
      throw error;
    }
    if (!commit.isStored) return timedUntilSaved(timing, commit, saved);
    saveIsOver(timing, commit);
    // A tracer that fails fails nothing that is stored.
    saved.catch(() => undefined);
    return undefined;
  }

  /** What the record of the request says of its session. */
  private noteSession({ timing }: RequestState, live: LiveSession): void {
    if (!timing) return;
    timing.facts.key = live.key;
    timing.facts.payloads = live.payloads;
  }

  private use(request: RequestState, live: LiveSession, id: string | undefined): void {
    request.live = live;
    request.id = id;
    request.unit = this.unitOn(request, live);
    this.noteSession(request, live);
  }

  /** The request goes on without a session: what it touches from now on is fresh. */
  private leave(request: RequestState): void {
    request.hasLeft ||= request.live !== undefined;
    request.live = undefined;
    request.id = undefined;
    request.isNew = false;
    request.forgetActions();
    request.unit = this.unitOn(request, undefined);
  }

  private unitOn(request: RequestState, live: LiveSession | undefined): UnitOfWork {
    const isReadOnly = request.isReadOnly && !this.settings.checksReadOnly;
    return new UnitOfWork(live, this.onUndecodable, isReadOnly, request.timing);
  }

  private reportConflict({ live, timing }: RequestState, error: unknown): void {
    if (live && error instanceof SessionConflictError) {
      if (timing) timing.facts.conflicts++;
      this.events.emit('conflict', { session: sessionHash(live.key), bean: error.bean, field: error.field });
    }
  }
}

function lifetimeChange({ idleTimeoutMs }: PendingActions, live: LiveSession): SessionLifetime | undefined {
  const isChange = idleTimeoutMs !== undefined && idleTimeoutMs !== live.lifetime.idleTimeoutMs;
  return isChange ? { ...live.lifetime, idleTimeoutMs } : undefined;
}

function timedUntilSaved(timing: RequestTiming, commit: PendingCommit, saved: Promise<void>): Promise<void> {
  const over = (): void => saveIsOver(timing, commit);
  saved.then(over, over);
  return saved;
}

function saveIsOver(timing: RequestTiming, { retries }: PendingCommit): void {
  timing.end('sessionSave');
  timing.facts.retries += retries;
}
