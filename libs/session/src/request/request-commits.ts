import { SessionConflictError } from '../errors/session-conflict.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { ownError } from '../errors/session.error.js';
import { SessionResponseCommittedError } from '../errors/session-response-committed.error.js';
import { applyCommit } from '../live/apply-commit.js';
import { DeferredCommit } from '../live/deferred-commit.js';
import type { LiveSession } from '../live/live-session.js';
import { type LiveSessions, type NoSession, isLive } from '../live/live-sessions.js';
import { type PartDifference, PendingCommit } from '../live/pending-commit.js';
import { type NewSession, type Payloads, keptParts } from '../live/stored-session.js';
import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import { accessOf, generateSessionId } from '../store/session-id.js';
import type { SessionLocks } from '../store/session-locks.js';
import type { SessionLifetime } from '../store/session-record.js';
import type { StoreGateway } from '../store/store-gateway.js';
import { IdRenewal } from './id-renewal.js';
import type { PendingActions, PendingLogin } from './pending-actions.js';
import type { RequestState } from './request-state.js';
import { type SessionEvents, dropReason, sessionRef } from './session-events.js';
import type { UnitOfWork } from './unit-of-work.js';

/** The options of the module that commits read. */
export interface CommitSettings extends SessionLifetime {
  readonly maxSessionBytes: number;

  /** Whether handlers that promised to change nothing are checked; costs what the promise saves. */
  readonly checksReadOnly?: boolean;
}

export interface CommitLog {
  /** A handler marked `@ReadOnlySession()` has changed something. */
  readOnlyBroken(warning: string): void;
}

/** Hears of what commits have done. */
export interface CommitListener {
  /** Another principal has logged in to the session of the one who has seen it like this. */
  principalLeft(unit: UnitOfWork, live: LiveSession): void;

  /**
   * A login is stored. The response waits for what this does, and where it fails, the login is taken back.
   * @returns undefined when there is nothing to wait for
   */
  loggedIn(principal: string): MaybePromise<void>;
}

/**
 * Stores what requests changed: finds out what that is, and starts, updates or renews the session. Which of these a
 * request needs is decided in one place, `RequestState.commitStep`.
 */
export class RequestCommits {
  private readonly renewal: IdRenewal;

  constructor(
    private readonly settings: CommitSettings,
    private readonly gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly events: SessionEvents,
    private readonly log: CommitLog,
    private readonly locks: SessionLocks,
    private readonly listener: CommitListener,
  ) {
    this.renewal = new IdRenewal(gateway, liveSessions, settings.maxSessionBytes);
  }

  /** See `SessionLifecycle.commit`. Call it in turn. */
  commit(request: RequestState): MaybePromise<void> {
    const { unit } = request;
    if (!unit) return undefined;
    try {
      const stored = this.store(request, unit);
      if (isPromise(stored)) return this.commitLater(request, unit, stored);
    } catch (error) {
      return this.refused(request, error);
    }
    if (request.live) unit.rebase(request.live);
    return undefined;
  }

  /** Forgets what the request did since its last commit. */
  rollback(request: RequestState): void {
    request.cancelLogin();
    request.takeActions();
    // The id of a session that was to start: `handle` must not name one that never will be.
    if (!request.hasSession) request.id = undefined;
    request.unit?.rollback();
  }

  /** Acquires the session again, for one step of a detached request. `release` it. @throws SessionEndedError */
  async attach(request: RequestState): Promise<LiveSession> {
    const { hasSession, named, id } = request;
    const acquire = (): MaybePromise<LiveSession | NoSession> =>
      named ? this.liveSessions.acquireNamed(named) : this.liveSessions.acquire(accessOf(id as string));
    const found = hasSession && (await acquire());
    if (!found || !isLive(found)) throw new SessionEndedError();
    request.attach(found);
    return found;
  }

  /** The session of the request has got another id: the application has named it, and goes on with it. */
  async follow(request: RequestState): Promise<void> {
    this.release(request);
    await this.attach(request);
  }

  release(request: RequestState): void {
    const live = request.dropLive();
    if (live) this.liveSessions.release(live);
  }

  private store(request: RequestState, unit: UnitOfWork): MaybePromise<void> {
    const differences = request.isReadOnly ? this.readOnlyDifferences(request, unit) : unit.differences();
    switch (request.commitStep(differences.length > 0)) {
      case 'nothing':
        return undefined;
      case 'start':
        return this.start(request, differences);
      case 'update': {
        const { live, named } = request;
        const actions = request.takeActions();
        if (named) return this.updateNamed(request, actions, differences);
        return this.update(request, live as LiveSession, actions, differences);
      }
      case 'renew':
        return this.renew(request, request.live as LiveSession, differences);
      case 'update detached':
        return this.updateDetached(request, differences);
    }
  }

  private async commitLater(request: RequestState, unit: UnitOfWork, stored: Promise<void>): Promise<void> {
    try {
      await stored;
    } catch (error) {
      return this.refused(request, error);
    }
    if (request.live) unit.rebase(request.live);
    return undefined;
  }

  /** Forgets the changes in this call: changes that come later belong to the next commit. */
  private async refused(request: RequestState, error: unknown): Promise<never> {
    this.rollback(request);
    this.reportConflict(request, error);
    throw ownError(error);
  }

  private reportConflict({ live, timing }: RequestState, error: unknown): void {
    if (!live || !(error instanceof SessionConflictError)) return;
    if (timing) timing.facts.conflicts++;
    this.events.emit('conflict', { session: sessionRef(live), conflicts: error.conflicts });
  }

  /** A handler that promised to change nothing is believed in production, and checked elsewhere. */
  private readOnlyDifferences(request: RequestState, unit: UnitOfWork): readonly PartDifference[] {
    const changed = this.settings.checksReadOnly ? unit.differences().map(({ bean }) => bean.name) : [];
    if (changed.length > 0) {
      unit.rollback();
      this.log.readOnlyBroken(
        `${request.handler ?? 'a handler'} is marked @ReadOnlySession() but changed ${changed.join(', ')}: ` +
          'nothing was stored; remove the mark',
      );
    }
    unit.markUnchanged();
    return NO_DIFFERENCES;
  }

  private async start(request: RequestState, differences: readonly PartDifference[]): Promise<void> {
    // The cookie of a new session would take the place of one that opens a session of the client. After a login that is
    // right: a client that has lost an answer can always log in.
    const { login, replace } = request.pendingActions;
    if (!login && !replace) request.requireOneSession();
    if (request.exchange.hasNoResponse) throw SessionResponseCommittedError.withoutResponse('what was changed');
    if (request.exchange.isHeadSent) {
      throw new SessionResponseCommittedError(
        'a session would have to start, but the head of the response is already sent and no cookie can go with it: ' +
          'touch the bean before the first byte',
      );
    }
    const actions = request.takeActions();
    // The client has just given up a session for this one.
    if (!login && !(replace && request.hasLeft)) await request.exchange.admitStart();
    if (!login && !replace) await this.refuseLate(request);
    request.takesOver = login !== undefined || replace;
    const session = { lifetime: this.newLifetime(actions), ...ofLogin(login) };
    await this.create(request, session, differences);
  }

  /**
   * A client whose session is over may have several requests under way with its dead id. Once it has logged in with one
   * of them, the others start no session: their cookie would take the place of the login's. It may present that id
   * beside others (cookies of other paths and domains).
   * @throws SessionEndedError when it has
   */
  private async refuseLate(request: RequestState): Promise<void> {
    for (const id of request.deadIds) {
      if ((await this.gateway.look(accessOf(id))).outcome !== 'superseded') continue;
      request.becomeSuperseded();
      throw new SessionEndedError();
    }
  }

  private async supersedeDeadIds({ deadIds }: RequestState): Promise<void> {
    for (const id of deadIds) await this.gateway.supersede(accessOf(id));
  }

  /**
   * Stores a new session. With a principal it is a login. If it takes over, the dead ids of the client start none any
   * more, as soon as it is stored. A login that fails leaves them as they are.
   */
  private async create(
    request: RequestState,
    session: NewSession,
    differences: readonly PartDifference[],
  ): Promise<void> {
    const id = request.hasSession ? generateSessionId() : (request.id ?? generateSessionId());
    const live = this.liveSessions.create(accessOf(id), session);
    try {
      await this.save(request, live, differences);
      if (request.takesOver) await this.supersedeDeadIds(request);
    } catch (error) {
      live.end();
      this.liveSessions.release(live);
      throw error;
    }
    this.release(request);
    request.startSession(live, id);
    this.events.emit('created', { session: sessionRef(live) });
    if (session.principal === undefined) return;
    request.userChange = 'login';
    this.events.emit('login', { session: sessionRef(live) });
    await this.finishLogin(live, session.principal);
  }

  /** Nobody may be logged in whose login was answered with an error: a user would be told of one that is not there. */
  private async finishLogin(live: LiveSession, principal: string): Promise<void> {
    try {
      await this.listener.loggedIn(principal);
    } catch (error) {
      live.end();
      await this.gateway.destroy(live.access).catch(() => undefined);
      throw error;
    }
  }

  private async updateNamed(
    request: RequestState,
    actions: PendingActions,
    differences: readonly PartDifference[],
  ): Promise<void> {
    for (;;) {
      const live = request.live as LiveSession;
      try {
        return await this.update(request, live, actions, differences);
      } catch (error) {
        if (!live.isRenewed) throw error;
        await this.follow(request);
      }
    }
  }

  private update(
    request: RequestState,
    live: LiveSession,
    actions: PendingActions,
    differences: readonly PartDifference[],
  ): MaybePromise<void> {
    const lifetime = this.changedLifetime(actions, live);
    const waitMs = lifetime ? undefined : this.writeBehindMs(request, live, differences);
    const isDeferred = waitMs !== undefined;
    if (!isDeferred && (differences.length > 0 || lifetime)) return this.save(request, live, differences, lifetime);
    const dependencies = request.unit?.dependencies() ?? [];
    if (isDeferred) this.defer(request, live, differences, dependencies, waitMs);
    if (dependencies.length === 0 && !live.isTouchDue()) return undefined;
    return request.measure('sessionSave', async () => {
      // Nothing has to be stored now. What this request has read must have become true before its answer leaves.
      for (const dependency of dependencies) await dependency.doneForReader();
      // A request that ran long (a stream, a slow handler) was use of the session until now.
      if (live.isTouchDue()) await live.touch();
    });
  }

  /**
   * For how long, in ms, the store need not have these changes; undefined where it must have them before the answer. A
   * touch that is due costs as much as the save, which does both. Under a lock the next one must find them.
   */
  private writeBehindMs(
    { lock }: RequestState,
    live: LiveSession,
    differences: readonly PartDifference[],
  ): number | undefined {
    let least: number | undefined;
    for (const { bean } of differences) {
      const { writeBehindMs } = bean.definition;
      if (writeBehindMs === undefined) return undefined;
      least = Math.min(least ?? writeBehindMs, writeBehindMs);
    }
    if (least === undefined) return undefined;
    const mustAsk = lock !== undefined || !this.gateway.isShared || live.isTouchDue();
    return mustAsk || !this.liveSessions.writeBehind.accepts(live) ? undefined : least;
  }

  private defer(
    request: RequestState,
    live: LiveSession,
    differences: readonly PartDifference[],
    dependencies: readonly PendingCommit[],
    waitMs: number,
  ): void {
    const session = sessionRef(live);
    const commit = new DeferredCommit(differences, dependencies, (dropped, error) => {
      const beans = dropped.map(({ bean }) => bean.name);
      this.events.emit('writeBehindDropped', { session, beans, reason: dropReason(error), error });
    });
    this.liveSessions.writeBehind.add(live, commit, waitMs);
    request.timing?.facts.defers(commit);
  }

  private async renew(request: RequestState, live: LiveSession, differences: readonly PartDifference[]): Promise<void> {
    const { isHeadSent, isClientGone } = request.exchange;
    if (isHeadSent || isClientGone) {
      const why = isHeadSent ? 'the head of the response is already sent' : 'the client is gone';
      throw new SessionResponseCommittedError(
        `the session id cannot be renewed: ${why}, and no cookie can go with it; nothing was stored`,
      );
    }
    const { unitBeforeLogin } = request;
    const actions = request.takeActions();
    const { login } = actions;
    const lifetime = this.changedLifetime(actions, live);
    const lock = request.lock?.tokenFor(live.key);
    const commit = new PendingCommit(differences, request.unit?.dependencies(), lifetime, lock);
    request.timing?.facts.saves(commit);
    if (login) await this.supersedeDeadIds(request);
    try {
      const renewing = (): ReturnType<IdRenewal['renew']> => this.renewal.renew(live, commit, login);
      const { id, renewed } = await request.measure('sessionSave', renewing);
      this.liveSessions.release(live);
      request.renewSession(renewed, id);
      this.locks.renewed(renewed.access, request.lock);
      if (login) request.userChange = 'login';
      this.tellOfRenewal(live, renewed, login);
      if (isOtherPrincipal(live, login) && unitBeforeLogin) this.listener.principalLeft(unitBeforeLogin, live);
    } catch (error) {
      if (!login || !(live.isRenewed || error instanceof SessionEndedError)) throw error;
      // Another login, or another new id, was quicker, or the session has ended. This login begins its own, with what
      // this request has read of the session, unless that has ended.
      const read = live.isRenewed ? keptParts(live.stored.payloads, login.keep) : NO_PAYLOADS;
      const payloads = applyCommit(commit, read, this.settings.maxSessionBytes);
      request.takesOver = true;
      return this.create(request, { lifetime: this.newLifetime(actions), ...ofLogin(login), payloads }, []);
    }
    if (login && request.live) await this.finishLogin(request.live, login.principal);
  }

  private tellOfRenewal(live: LiveSession, renewed: LiveSession, login: PendingLogin | undefined): void {
    const session = sessionRef(renewed);
    if (isOtherPrincipal(live, login)) this.events.emit('ended', { session: sessionRef(live), reason: 'login' });
    this.events.emit('renewed', { session });
    if (login) this.events.emit('login', { session });
  }

  private async updateDetached(request: RequestState, differences: readonly PartDifference[]): Promise<void> {
    const { start, renew } = request.pendingActions;
    if (start || renew || !request.hasSession) {
      request.takeActions();
      throw new SessionResponseCommittedError(
        'the client is gone: it cannot be given the id of a new session, and nothing was stored',
      );
    }
    const live = await this.attach(request);
    try {
      await this.update(request, live, request.takeActions(), differences);
      request.unit?.rebase(live);
    } finally {
      this.release(request);
    }
  }

  /** The lifetime to store if the request has changed it. */
  private changedLifetime({ login, timeouts }: PendingActions, live: LiveSession): SessionLifetime | undefined {
    const { lifetime, identity } = live.stored;
    // Timeouts that a session was given are not those of the next principal.
    const isNewPrincipal = login !== undefined && login.principal !== identity.principal;
    const changed = { ...(isNewPrincipal ? this.newLifetime(NO_TIMEOUTS) : lifetime), ...timeouts };
    const isSame =
      changed.idleTimeoutMs === lifetime.idleTimeoutMs && changed.absoluteTimeoutMs === lifetime.absoluteTimeoutMs;
    return isSame ? undefined : changed;
  }

  private newLifetime({ timeouts }: Pick<PendingActions, 'timeouts'>): SessionLifetime {
    const { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs } = this.settings;
    return { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs, ...timeouts };
  }

  private save(
    request: RequestState,
    live: LiveSession,
    differences: readonly PartDifference[],
    lifetime?: SessionLifetime,
  ): MaybePromise<void> {
    const commit = new PendingCommit(
      differences,
      request.unit?.dependencies(),
      lifetime,
      request.lock?.tokenFor(live.key),
    );
    request.timing?.facts.saves(commit);
    const stored = live.commit(commit, request.timing);
    const proveId = (): void => {
      request.isIdProven = true;
    };
    return isPromise(stored) ? stored.then(proveId) : proveId();
  }
}

/** The login with which a session begins. */
function ofLogin(login: PendingLogin | undefined): Pick<NewSession, 'principal' | 'mostSessions'> {
  return { principal: login?.principal, mostSessions: login?.mostSessions };
}

/** Another principal than the one of the session logs in to it. */
function isOtherPrincipal({ stored: { identity } }: LiveSession, login: PendingLogin | undefined): boolean {
  return login !== undefined && identity.principal !== undefined && login.principal !== identity.principal;
}

const NO_TIMEOUTS = { timeouts: undefined };
const NO_DIFFERENCES: readonly PartDifference[] = Object.freeze([]);
const NO_PAYLOADS: Payloads = new Map();
