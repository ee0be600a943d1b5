import type { BeanRegistry } from '../bean/bean-registry.js';
import type { SessionBean } from '../bean/session-bean.js';
import { type SessionEndReason, SessionEndedError } from '../errors/session-ended.error.js';
import { SessionResponseCommittedError } from '../errors/session-response-committed.error.js';
import { SessionStateError } from '../errors/session-state.error.js';
import { ownError } from '../errors/session.error.js';
import { NOTHING_SEEN, freshnessOf } from '../live/freshness.js';
import type { LiveSession } from '../live/live-session.js';
import type { LiveSessions } from '../live/live-sessions.js';
import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import { SessionLocks } from '../store/session-locks.js';
import type { ExpiredSession } from '../store/session-store.js';
import type { StoreDirectory } from '../store/store-directory.js';
import type { StoreGateway } from '../store/store-gateway.js';
import type { DestroyHooks } from './destroy-hooks.js';
import { FormerSessions, type TakeOverSettings } from './former-sessions.js';
import type { GivenId, LocatorOf } from './id-exchange.js';
import type { PendingActions } from './pending-actions.js';
import { PrincipalSessions } from './principal-sessions.js';
import { type CommitLog, type CommitSettings, RequestCommits } from './request-commits.js';
import { type LoadSettings, RequestLoads } from './request-loads.js';
import type { RequestState } from './request-state.js';
import { type SessionEvents, sessionRef } from './session-events.js';
import type { LabelKeeper } from './session-labels.js';
import { UnitOfWork } from './unit-of-work.js';

/** A session that a request has ended. */
interface EndedSession {
  /** What the request has seen of it. */
  readonly unit: UnitOfWork;
  readonly live: LiveSession;
}

/** The options of the module that the life cycle reads. */
export interface LifecycleSettings extends CommitSettings, LoadSettings, TakeOverSettings {
  /** Copies are served without asking, so clients carry how much they have seen. */
  readonly tellsFreshness?: boolean;

  readonly principalLimit?: PrincipalLimit | undefined;
}

/** How many sessions a user may have, and what happens with a login beyond that. */
export interface PrincipalLimit {
  readonly max: number;
  readonly onExceeded: 'end-least-recent' | 'reject';
}

/** What the life cycle needs for users that have several sessions. */
export interface PrincipalParts {
  readonly directory: StoreDirectory;
  readonly labels: LabelKeeper;
}

/**
 * Moves the session of a request: begin, commit (as often as needed), invalidate, end. The phases and what each call
 * does in them: see RequestState. Knows neither Nest nor HTTP.
 */
export class SessionLifecycle {
  private readonly locks: SessionLocks;
  private readonly loads: RequestLoads;
  private readonly commits: RequestCommits;

  /** Those of users. */
  readonly principals: PrincipalSessions;
  private readonly commitNow = (request: RequestState): MaybePromise<void> => this.commits.commit(request);
  private readonly onUndecodable = (bean: SessionBean, error: SessionStateError, live: LiveSession): void => {
    this.events.emit('undecodable', { session: sessionRef(live), bean: bean.name, error });
  };

  constructor(
    private readonly settings: LifecycleSettings,
    private readonly gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly beans: BeanRegistry,
    private readonly events: SessionEvents,
    log: CommitLog,
    private readonly hooks: DestroyHooks,
    private readonly parts: PrincipalParts,
    /** Default: clients are told nothing about where their session is. */
    readonly locatorOf: LocatorOf = () => undefined,
  ) {
    this.locks = new SessionLocks(gateway);
    const unitOn = (request: RequestState, live: LiveSession | undefined): UnitOfWork => this.unitOn(request, live);
    const former = new FormerSessions(gateway, liveSessions, beans, events, settings);
    this.loads = new RequestLoads(gateway, liveSessions, events, unitOn, settings, former, locatorOf);
    this.principals = new PrincipalSessions(gateway, parts.directory, liveSessions, events, hooks, this.onUndecodable);
    this.commits = new RequestCommits(settings, gateway, liveSessions, events, log, this.locks, {
      principalLeft: (unit, live) => void hooks.run(unit, live),
      loggedIn: (principal) => this.loggedIn(principal),
    });
  }

  /**
   * Loads the session of the id that the client presented, or begins without one. Idempotent: a request loads once.
   * @returns undefined when there is nothing to wait for; never throws
   * @throws (rejects with) SessionStoreError: then there is no session and no handler may run
   */
  begin(request: RequestState): MaybePromise<void> {
    if (request.phase !== 'idle') return request.loaded;
    const loaded = this.loads.load(request);
    if (isPromise(loaded)) request.loaded = loaded;
    return loaded;
  }

  /**
   * Stores what the request has changed so far; a request without a session gets one if there is something to store.
   * When it resolves, the store has the state. When it rejects, the store has nothing of it (as far as the store could
   * be asked) and the request's changes are forgotten.
   *
   * @returns undefined when there is nothing to wait for; never throws
   * @throws (rejects with) SessionConflictError, SessionEndedError, SessionStateError, SessionStoreError,
   * SessionBusyError, SessionResponseCommittedError
   */
  commit(request: RequestState): MaybePromise<void> {
    return request.turns.take(this.commitNow, request);
  }

  /** Whether `commit` has anything to look at, or to wait for: when not, the response need not wait. */
  needsCommit(request: RequestState): boolean {
    if (request.phase !== 'active' && request.phase !== 'detached') return false;
    if (request.turns.underWay || request.hasPendingActions || request.unit?.isTouched) return true;
    return request.live?.isTouchDue() ?? false;
  }

  /**
   * The id to send with the head of the response: one that is new to the client, or that comes with a new locator or
   * end of life. Undefined when the client knows these, for a session that has ended (a dead id is nothing to send),
   * and where `checkIds` has found that the client may have a newer one.
   */
  idToSend(request: RequestState): GivenId | undefined {
    const { id, live } = request;
    if (id === undefined || !live || live.isEnded || request.withholdsId) return undefined;
    if (this.loads.isKnown(request, live)) return undefined;
    return { id, locator: this.locatorOf(live), keptForMs: live.stored.keptForMs };
  }

  /** The client is given the id of `idToSend`. */
  idSent({ live }: RequestState): void {
    live?.endTold();
  }

  /** See `RequestLoads.checkIds`. */
  checkIds(request: RequestState): MaybePromise<void> {
    return this.loads.checkIds(request);
  }

  /** The freshness to send with the head of the response; undefined when the client knows it. */
  freshnessToSend({ live, presented, standing, withholdsId, hasLeft }: RequestState): string | undefined {
    if (!this.settings.tellsFreshness) return undefined;
    // That of a session whose id is withheld would take the place of that of the session whose id the client has.
    const shown = withholdsId && standing === 'started' ? undefined : live;
    // Also where another request has ended it, or given it a new id: what this one wrote may be newer than a copy that
    // another server trusts.
    const hasEnded = shown ? shown.isEnded : hasLeft;
    const freshness = hasEnded ? NOTHING_SEEN : shown && freshnessOf(shown);
    return presented?.freshness === freshness ? undefined : freshness;
  }

  /** Forgets what the request did since its last commit. */
  rollback(request: RequestState): void {
    this.commits.rollback(request);
  }

  /**
   * Ends the session at once, on every server, whatever this request does afterwards. Without a session, forgets what
   * would start one.
   * @throws SessionStoreError: then it is not known to have ended
   */
  async invalidate(request: RequestState, reason: SessionEndReason): Promise<void> {
    // In turn: a commit under way may be about to create the session, or to give it another id.
    const ended = await request.turns.take(() => this.invalidateNow(request, reason), undefined);
    if (reason === 'logout') request.userChange = 'logout';
    // Not in turn: hooks may take their time.
    if (ended) await this.hooks.run(ended.unit, ended.live);
  }

  /**
   * The client goes on with another session, which is empty: what express-session does where somebody logs in or out.
   * The former one ends at once, and its id cannot come back to take the place of the new one, as after a login.
   *
   * It is a session of its own rather than the same one under a new id: nobody says who is logged in, so handles and
   * lifetimes must not go on.
   * @throws SessionResponseCommittedError when no cookie can go with the response; then nothing has ended
   */
  async regenerate(request: RequestState): Promise<void> {
    const { isHeadSent, isClientGone } = request.exchange;
    if (isHeadSent || isClientGone) throw SessionResponseCommittedError.afterHead('regenerate()');
    const ended = await request.turns.take(async () => {
      const isUnclear = request.standing === 'superseded' || request.standing === 'ambiguous';
      const former = isUnclear ? undefined : await this.invalidateNow(request, 'invalidated');
      if (isUnclear) request.leaveSession(this.unitOn(request, undefined));
      request.ask({ start: former !== undefined, replace: true });
      return former;
    }, undefined);
    if (!ended) return;
    await this.commit(request);
    await this.hooks.run(ended.unit, ended.live);
  }

  /**
   * Forgets what the request has changed in one bean since its last commit, and brings all up to what others have
   * stored.
   * @throws SessionEndedError without a session; SessionStoreError
   */
  async reload(request: RequestState, bean: SessionBean): Promise<void> {
    await request.turns.take(async () => {
      const { live, unit } = request;
      if (!live || !unit) throw new SessionEndedError();
      unit.forget(bean);
      if (await this.bringUp(request, live)) return;
      await this.leave(request, live);
      throw new SessionEndedError();
    }, undefined);
  }

  /**
   * Lets a principal log in with the next commit. What the request sees of the session from now on is what that will
   * have: everything for the same principal, the parts that declare it where nobody was logged in, nothing otherwise.
   */
  login(request: RequestState, principal: string, timeouts: PendingActions['timeouts']): void {
    const unit = request.unit as UnitOfWork;
    const { login: earlier } = request.pendingActions;
    const before = earlier ? earlier.principal : unit.identity?.principal;
    // Again, or a re-authentication: the request sees the session as before.
    const isSame = before === principal;
    const keep = isSame ? earlier?.keep : before === undefined ? this.keptByBeans() : [];
    const { principalLimit: limit } = this.settings;
    const mostSessions = limit?.onExceeded === 'reject' ? limit.max : undefined;
    const after = isSame ? unit : unit.afterLogin(keep ?? []);
    this.parts.labels.note(after, request.exchange.frameworkRequest);
    request.askLogin({ principal, keep, mostSessions }, after, timeouts);
  }

  /** A login is stored. @returns undefined when there is nothing to wait for */
  private loggedIn(principal: string): MaybePromise<void> {
    const { principalLimit: limit } = this.settings;
    if (limit?.onExceeded === 'end-least-recent') return this.principals.endAllBut(limit.max, principal);
  }

  /**
   * Waits until the request has its session for itself, among all requests that ask for that, and brings it up to what
   * they have stored. Until `unlock`, or the end of the request. A session that ended meanwhile is none; without a
   * session there is nothing to wait for.
   * @throws SessionBusyError after `waitMs`; SessionStoreError; SessionEndedError where the application has named the
   * session
   */
  async lock(request: RequestState, waitMs: number): Promise<void> {
    const { live, named } = request;
    if (!live || request.lock || request.phase === 'ending') return undefined;
    const begun = performance.now();
    const lock = await request.measure('lockWait', () => this.locks.acquire(live.access, waitMs, named));
    if (typeof lock === 'string') {
      if (lock === 'superseded') live.endAs(lock);
      return request.turns.take(() => this.leave(request, live), undefined);
    }
    try {
      if (request.live !== live) {
        await lock.release();
      } else {
        request.lock = lock;
        if (!(await this.bringUp(request, live))) await request.turns.take(() => this.leave(request, live), undefined);
      }
    } catch (error) {
      await this.unlock(request);
      throw ownError(error);
    }
    // It has got another id meanwhile, under which others may have it for themselves.
    if (named && !request.lock) await this.lock(request, Math.max(0, waitMs - (performance.now() - begun)));
  }

  /**
   * Brings the request up to what the store has. What it has changed and not stored stays its change, on top. A login
   * that is not stored yet is stored before.
   * @throws SessionEndedError when the session has ended; SessionStoreError; what `commit` throws
   */
  async refresh(request: RequestState): Promise<void> {
    await request.turns.take(() => this.refreshNow(request), undefined);
  }

  async unlock(request: RequestState): Promise<void> {
    const { lock } = request;
    request.lock = undefined;
    if (lock) await request.measure('lockWait', () => lock.release());
  }

  /** The response is sent: the beans answer no more. The session is released once nothing is under way. */
  end(request: RequestState): void {
    if (!request.close()) return;
    request.turns.after(() => {
      void this.unlock(request);
      request.unit = undefined;
      this.commits.release(request);
    });
  }

  /** The client is gone, and its code may still run: the live session is released, the beans go on answering. */
  detach(request: RequestState): void {
    if (!request.detach()) return this.end(request);
    request.turns.after(() => {
      void this.unlock(request);
      this.commits.release(request);
    });
  }

  /** A session has expired in the store, which tells of it. */
  async expired({ key, record }: ExpiredSession): Promise<void> {
    const live = this.liveSessions.over(key, record);
    this.events.emit('ended', { session: sessionRef(live), reason: 'expired' });
    await this.hooks.run(new UnitOfWork(live, this.onUndecodable), live);
  }

  /** Names of the parts that go on when somebody logs in to an anonymous session. */
  private keptByBeans(): readonly string[] {
    return Array.from(this.beans.all())
      .filter(({ definition }) => definition.onLogin === 'keep')
      .map(({ name }) => name);
  }

  private async refreshNow(request: RequestState): Promise<void> {
    if (request.pendingActions.login) await this.commits.commit(request);
    request.requireOneSession();
    const isDetached = request.phase === 'detached' && request.hasSession;
    try {
      const live = isDetached ? await this.commits.attach(request) : request.live;
      if (!live || request.phase === 'ending' || (await this.bringUp(request, live))) return;
      if (!request.named) throw new SessionEndedError();
      await this.commits.follow(request);
      request.unit?.rebase(request.live as LiveSession);
    } catch (error) {
      throw ownError(error);
    } finally {
      if (isDetached) this.commits.release(request);
    }
  }

  /** Shows the request what the store has. @returns false when its session has ended, or has another id */
  private async bringUp(request: RequestState, live: LiveSession): Promise<boolean> {
    const isThere = await request.measure('sessionLoad', () => live.revalidate(undefined, !request.named));
    if (isThere) request.unit?.rebase(live);
    return isThere;
  }

  /** @returns the session that was ended, as the request has seen it; undefined when there was none */
  private async invalidateNow(request: RequestState, reason: SessionEndReason): Promise<EndedSession | undefined> {
    if (request.phase === 'ending') return undefined;
    request.requireOneSession();
    if (request.phase === 'detached' && request.hasSession) await this.commits.attach(request);
    const { live, unit } = request;
    request.leaveSession(this.unitOn(request, undefined));
    if (!live || !unit) return undefined;
    // By handle: a logout ends the session also if another request has given it a new id meanwhile.
    const access = { key: live.key, logins: live.stored.identity.logins };
    try {
      const destroyed = request.measure('sessionSave', () => this.gateway.destroy(access));
      this.liveSessions.end(access, destroyed);
      const { outcome } = await destroyed;
      // Another request has ended it before.
      if (outcome !== 'ended') return undefined;
    } finally {
      this.liveSessions.release(live);
    }
    this.events.emit('ended', { session: sessionRef(live), reason });
    return { unit, live };
  }

  /** The request finds its session ended, and goes on without one; unless it has ended or renewed that itself. */
  private async leave(request: RequestState, live: LiveSession): Promise<void> {
    if (request.live !== live) return;
    if (request.named) {
      await this.unlock(request);
      return this.commits.follow(request);
    }
    request.leaveSession(this.unitOn(request, undefined));
    // It is like a request that comes after the new id: a change or a logout is refused, not lost.
    if (live.isRenewed) request.becomeSuperseded();
    this.liveSessions.release(live);
    await this.unlock(request);
  }

  private unitOn(request: RequestState, live: LiveSession | undefined): UnitOfWork {
    return new UnitOfWork(live, this.onUndecodable, request.timing);
  }
}
