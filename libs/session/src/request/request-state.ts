import { SessionAmbiguousError } from '../errors/session-ambiguous.error.js';
import { SessionContextNotActiveError } from '../errors/session-context-not-active.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { SessionResponseCommittedError } from '../errors/session-response-committed.error.js';
import type { LiveSession } from '../live/live-session.js';
import type { NoSession } from '../live/live-sessions.js';
import type { MaybePromise } from '../store/maybe-promise.js';
import type { NamedByHandle, SessionHandle } from '../store/session-handle.js';
import type { SessionLock } from '../store/session-locks.js';
import type { StorePhase, RequestTiming } from '../timing/request-timing.js';
import { type IdExchange, NO_CLIENT, type PresentedId } from './id-exchange.js';
import { KeptPromises } from './observed-promise.js';
import { NO_ACTIONS, type PendingActions, type PendingLogin } from './pending-actions.js';
import { Turns } from './turns.js';
import type { UnitOfWork } from './unit-of-work.js';

/** Tells the code of a request when a session ends. */
export interface EndSignal {
  readonly session: SessionHandle;
  readonly signal: AbortSignal;
  stop(): void;
}

/** How far a request is; see RequestState. */
export type RequestPhase = 'idle' | 'loading' | 'active' | 'detached' | 'ending' | 'closed';

/**
 * Whether a request has a session:
 *
 * - `none`: its client presented no id that stands for a session.
 * - `superseded`: its client presented an id that was replaced a short while ago. It has the new one or is about to, or
 *   it has lost the answer that brought it; or somebody else got hold of the former one.
 * - `ambiguous`: its client presented several ids, and nobody can tell which session it means.
 * - `found`: its client presented the id of the session.
 * - `started`: the request has started the session.
 * - `left`: it had a session and has ended it, or found it ended.
 */
export type SessionStanding = 'none' | 'superseded' | 'ambiguous' | 'found' | 'started' | 'left';

/** The work of one commit; see RequestState. */
export type CommitStep = 'nothing' | 'start' | 'update' | 'renew' | 'update detached';

/**
 * The state of one request with regard to its session, from the middleware to the end of the response. SessionLifecycle
 * moves it; the methods here are the only transitions.
 *
 * | phase | meaning | beans | a commit | next |
 * |---|---|---|---|---|
 * | `idle` | nothing is loaded | throw | does nothing | `loading`, `closed` |
 * | `loading` | the store is asked, or has failed | throw | does nothing | `active`, `closed` |
 * | `active` | the handler runs | answer | starts, updates or renews the session | `detached`, `closed` |
 * | `detached` | the client is gone, its code still runs | answer | updates it in a step of its own | `closed` |
 * | `ending` | hooks run of a session that is over | answer | does nothing | `closed` |
 * | `closed` | the response is over | throw | as in the phase before, for a commit that waited its turn | – |
 *
 * A detached request holds no live session between its steps: a client cannot make code throw by leaving, nor keep a
 * session in memory. A closed request lets go of its session when the commits that wait are done.
 *
 * | a commit in `active` or `closed` | without a session | with a session |
 * |---|---|---|
 * | `login()` was called | starts one | gives it a new id and a principal, with all changes |
 * | `renewId()` was called | starts one if there is something to store | renews the id, with all changes |
 * | anything else changed | starts one | updates |
 * | nothing changed | nothing | waits until what was read is stored, or touches |
 *
 * Commits and ends of one request run one after the other (`turns`).
 */
export class RequestState {
  /** Commits and ends of the session. */
  readonly turns = new Turns();

  private current: RequestPhase = 'idle';
  private stands: SessionStanding = 'none';
  private actions = NO_ACTIONS;
  /** How it was before a login that is not stored yet. */
  private beforeLogin: { readonly actions: PendingActions; readonly unit: UnitOfWork } | undefined;

  /** Made for the first promise. */
  private promises: KeptPromises | undefined;

  /** Settles when the session is loaded, or has failed to; undefined where the store answers at once. */
  loaded: Promise<void> | undefined;

  /** When the store said that the presented id opens none; ms since the start of the process. */
  foundNoneAt = 0;

  /** Why the session could not be loaded: there may be one. */
  loadFailure: unknown;

  /** Set from `active` on, until the request lets go of its session. */
  unit: UnitOfWork | undefined;

  /** The live session in use; undefined while the request has none, and between the steps of a detached request. */
  live: LiveSession | undefined;

  /**
   * The id behind `live`, or the one that a session to be started will have. A credential: it leaves only with the head
   * of the response and through `encodeUrl`.
   */
  id: string | undefined;

  /** The id that the client presented, from `loading` on. */
  presented: PresentedId | undefined;

  /** Ids that the client presented beside others, and that open no session. */
  strayIds: readonly string[] = NO_IDS;

  /** It had a session, which it has ended or found ended, whatever it has now. */
  hasLeft = false;

  /** The id that the client presented stands for nothing: the response tells it to forget that. */
  removesId = false;

  /** The client has, or may have, a newer id by now than the one of this request, which must not take its place. */
  withholdsId = false;

  /** The request has started a session for a login, or in place of another: the client gets its id in any case. */
  takesOver = false;

  /** The store has accepted the presented id just now: no code of the application has run since. */
  isIdProven = false;

  /** The last login that this request has stored, or logout that it has done. */
  userChange: 'login' | 'logout' | undefined;

  /** Until the request, or its exclusive section, ends. */
  lock: SessionLock | undefined;

  /** The handler promised to change nothing: its commits look at nothing. */
  isReadOnly = false;

  /** Name of the handler, once routing has found it. */
  handler: string | undefined;

  /** Set by the first who reads `HttpSession.signal`, until the request is over or its client gone. */
  endSignal: EndSignal | undefined;

  /** Undefined where nobody listens, and when the response is over. */
  timing: RequestTiming | undefined;

  /** @param named the session, where the application names it: then it goes on with it under whatever id */
  constructor(
    readonly exchange: IdExchange,
    readonly named?: NamedByHandle,
  ) {}

  /** What `onBeanDestroyed()` sees: the session as it was. Nothing of it is stored, and no session starts. */
  static ofEnding(unit: UnitOfWork, live: LiveSession): RequestState {
    const state = new RequestState(NO_CLIENT);
    state.current = 'ending';
    state.unit = unit;
    state.hold(live, undefined, 'found');
    return state;
  }

  get phase(): RequestPhase {
    return this.current;
  }

  get standing(): SessionStanding {
    return this.stands;
  }

  /** The client has a session, though none may be held live. */
  get hasSession(): boolean {
    return this.stands === 'found' || this.stands === 'started';
  }

  /** The id that the client presented, where it opens no session any more. */
  get deadId(): string | undefined {
    const isOver = this.stands === 'none' || this.stands === 'left';
    return isOver && this.current !== 'idle' && this.current !== 'loading' ? this.presented?.id : undefined;
  }

  /** All ids that the client presented and that open no session any more, also after the request has started one. */
  get deadIds(): readonly string[] {
    const { live, presented, strayIds } = this;
    const hasEnded = live?.isEnded === true && !live.isRenewed;
    const dead = this.stands === 'started' || hasEnded ? presented?.id : this.deadId;
    return dead === undefined ? strayIds : [dead, ...strayIds];
  }

  get pendingActions(): PendingActions {
    return this.actions;
  }

  get hasPendingActions(): boolean {
    return this.actions !== NO_ACTIONS;
  }

  /** `idle` -> `loading` */
  startLoading(presented: PresentedId | undefined): void {
    this.current = 'loading';
    this.presented = presented;
  }

  /**
   * `loading` -> `active`.
   * @param id of what was found; default: the presented one
   * @returns false when the client has left meanwhile: the caller keeps the session
   */
  activate(unit: UnitOfWork, found: LiveSession | NoSession | 'ambiguous', id = this.presented?.id): boolean {
    if (this.current === 'closed') return false;
    this.current = 'active';
    this.unit = unit;
    if (typeof found === 'string') this.stands = found;
    else this.hold(found, id, 'found');
    return true;
  }

  /** The request has started a session. */
  startSession(live: LiveSession, id: string): void {
    this.hold(live, id, 'started');
  }

  /** The client has logged in meanwhile, with another request that presented the same dead id. */
  becomeSuperseded(): void {
    this.stands = 'superseded';
    this.removesId = false;
  }

  /** The session goes on under another id. */
  renewSession(live: LiveSession, id: string): void {
    this.hold(live, id, this.stands);
  }

  /**
   * A principal logs in with the next commit.
   * @param unit shows the session as it will be then
   */
  askLogin(login: PendingLogin, unit: UnitOfWork, timeouts: PendingActions['timeouts']): void {
    const { actions, beforeLogin } = this;
    if (this.unit) this.beforeLogin = beforeLogin ?? { actions, unit: this.unit };
    this.unit = unit;
    this.ask({
      login,
      timeouts: timeouts ?? actions.timeouts,
      ...(this.hasSession ? { renew: true } : { start: true }),
    });
  }

  /** The unit of work of before a login that is not stored yet. */
  get unitBeforeLogin(): UnitOfWork | undefined {
    return this.beforeLogin?.unit;
  }

  /** Takes back a login that is not stored yet. */
  cancelLogin(): void {
    const { beforeLogin } = this;
    if (!beforeLogin) return;
    const { unit, actions } = beforeLogin;
    if (this.unit) unit.takeBack(this.unit);
    this.unit = unit;
    this.actions = actions;
    this.beforeLogin = undefined;
  }

  /** The session has ended: beans that are touched from now on are fresh, in `unit`. */
  leaveSession(unit: UnitOfWork): void {
    this.beforeLogin = undefined;
    if (this.live) {
      this.stands = 'left';
      this.hasLeft = true;
    }
    this.live = undefined;
    this.id = undefined;
    this.actions = NO_ACTIONS;
    this.unit = unit;
  }

  /** `active` -> `detached`. @returns false when the request is not active: end it instead */
  detach(): boolean {
    if (this.current !== 'active') return false;
    this.current = 'detached';
    this.endSignal?.stop();
    return true;
  }

  /** Any phase -> `closed`. @returns false when it is closed already */
  close(): boolean {
    if (this.current === 'closed') return false;
    this.current = 'closed';
    this.timing = undefined;
    this.endSignal?.stop();
    return true;
  }

  /** A detached request holds its session for one step. */
  attach(live: LiveSession): void {
    this.live = live;
  }

  /** Lets go of the live session. @returns it, for the caller to release */
  dropLive(): LiveSession | undefined {
    const { live } = this;
    this.live = undefined;
    return live;
  }

  /** Leaves actions for the next commit. */
  ask(actions: Partial<PendingActions>): void {
    this.actions = { ...this.actions, ...actions };
  }

  /** The actions, for the commit that is about to do them. Actions that are asked for meanwhile are for the next. */
  takeActions(): PendingActions {
    const { actions } = this;
    this.actions = NO_ACTIONS;
    this.beforeLogin = undefined;
    return actions;
  }

  /** See KeptPromises. */
  keep<T>(work: () => Promise<T>): Promise<T> {
    return (this.promises ??= new KeptPromises()).keep(work);
  }

  /** See KeptPromises. */
  get forgotten(): Promise<void> | undefined {
    return this.promises?.forgotten;
  }

  /** @throws SessionEndedError, SessionAmbiguousError where the client may have a session that is not this one */
  requireOneSession(): void {
    if (this.stands === 'superseded') throw new SessionEndedError();
    if (this.stands === 'ambiguous') throw new SessionAmbiguousError();
  }

  /** What a commit has to do now. */
  commitStep(hasChanges: boolean): CommitStep {
    const { start, renew, login } = this.actions;
    if (this.current === 'idle' || this.current === 'loading' || this.current === 'ending') return 'nothing';
    // A login that came while its request was starting the session asks for no new id.
    if (this.live) return renew || login ? 'renew' : 'update';
    // Detached, or closed after that: it holds no live session between its steps.
    if (this.current === 'detached' || this.hasSession)
      return hasChanges || this.hasPendingActions ? 'update detached' : 'nothing';
    return hasChanges || start ? 'start' : 'nothing';
  }

  /** Runs `work` as a phase of the request, if that is measured. */
  measure<T>(phase: StorePhase, work: () => Promise<T>): Promise<T>;
  measure<T>(phase: StorePhase, work: () => MaybePromise<T>): MaybePromise<T>;
  measure<T>(phase: StorePhase, work: () => MaybePromise<T>): MaybePromise<T> {
    return this.timing ? this.timing.during(phase, work) : work();
  }

  /** The unit of work if a bean can be touched now. */
  get activeUnit(): UnitOfWork | undefined {
    if (this.current === 'detached' || this.current === 'ending') return this.unit;
    if (this.current !== 'active' || (this.live === undefined && this.exchange.isHeadSent)) return undefined;
    return this.unit;
  }

  /**
   * @param subject names the caller in the error text, e.g. `Counter.value`
   * @throws SessionContextNotActiveError when nothing was loaded, SessionResponseCommittedError when it is too late,
   * the error of the store when the session could not be loaded
   */
  unitFor(subject: string): UnitOfWork {
    const unit = this.activeUnit;
    if (unit) return unit;
    if (this.loadFailure !== undefined) throw this.loadFailure;
    if (this.current === 'closed' && this.exchange.hasNoResponse)
      throw SessionResponseCommittedError.afterWork(subject);
    if (this.current === 'closed') throw SessionResponseCommittedError.afterResponse(subject);
    if (this.current === 'active') throw SessionResponseCommittedError.afterHead(subject);
    throw this.handler === undefined
      ? SessionContextNotActiveError.beforeLoad(subject)
      : SessionContextNotActiveError.inHandler(subject, this.handler);
  }

  private hold(live: LiveSession, id: string | undefined, standing: SessionStanding): void {
    this.live = live;
    this.id = id;
    this.stands = standing;
  }
}

const NO_IDS: readonly string[] = Object.freeze([]);
