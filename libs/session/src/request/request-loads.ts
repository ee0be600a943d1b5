import { SessionEndedError } from '../errors/session-ended.error.js';
import { SessionStateError } from '../errors/session-state.error.js';
import { ownError } from '../errors/session.error.js';
import { savesSeen } from '../live/freshness.js';
import type { LiveSession } from '../live/live-session.js';
import { type LiveSessions, type NoSession, isLive } from '../live/live-sessions.js';
import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import type { NamedByHandle } from '../store/session-handle.js';
import { type ClientAccess, accessOf } from '../store/session-id.js';
import type { LoadResult } from '../store/session-store.js';
import type { StoreGateway } from '../store/store-gateway.js';
import type { FormerSession } from './former-session.js';
import type { FormerSessions } from './former-sessions.js';
import type { LocatorOf, PresentedId } from './id-exchange.js';
import type { RequestState } from './request-state.js';
import { type SessionEvents, unknownSession } from './session-events.js';
import type { UnitOfWork } from './unit-of-work.js';

/** The answer of the store about an id; undefined where it fails. */
type Looked = LoadResult['outcome'] | undefined;

/** A request that takes longer leaves it to quicker ones to tell the client that its id is dead. */
const QUICK_MS = 5_000;

/** A client that presents more ids than these has no session: each costs a call of the store. */
const MOST_IDS = 3;

/** The options of the module that loads read. */
export interface LoadSettings {
  /** `reset`: a session that is damaged as a whole counts as none. Default: an error. */
  readonly onUndecodable?: 'reject' | 'reset';
}

/** Finds the sessions of requests, by the ids that their clients present. */
export class RequestLoads {
  constructor(
    private readonly gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly events: SessionEvents,
    private readonly unitOn: (request: RequestState, live: LiveSession | undefined) => UnitOfWork,
    private readonly settings: LoadSettings,
    private readonly former: FormerSessions,
    private readonly locatorOf: LocatorOf,
  ) {}

  /**
   * Loads the session of the id that the client presented, or begins without one.
   * @returns undefined when there is nothing to wait for; never throws
   * @throws (rejects with) SessionStoreError: then there is no session
   */
  load(request: RequestState): MaybePromise<void> {
    if (request.named) return this.loadNamed(request, request.named);
    const ids = request.exchange.presented();
    if (ids === 'ambiguous' || ids.length > MOST_IDS) {
      request.startLoading(undefined);
      return this.useFound(request, 'ambiguous');
    }
    const [presented] = ids;
    request.startLoading(ids.length === 1 ? presented : undefined);
    if (!presented) return this.useNone(request);
    if (ids.length > 1) return this.loadOneOf(request, ids);
    try {
      const found = this.acquire(request, presented);
      return isPromise(found) ? this.useLater(request, presented, found) : this.useFound(request, found);
    } catch (error) {
      return this.useLater(request, presented, Promise.reject<NoSession>(error));
    }
  }

  /** @throws SessionEndedError, SessionStoreError */
  private async loadNamed(request: RequestState, named: NamedByHandle): Promise<void> {
    request.startLoading(undefined);
    try {
      const live = await this.liveSessions.acquireNamed(named);
      if (!isLive(live)) throw new SessionEndedError();
      this.use(request, live);
    } catch (error) {
      throw this.failed(request, error);
    }
  }

  /**
   * Finds out, right before the head of the response, what the client is to be told about its id. It may have logged in
   * meanwhile with another request, and must not lose the id that it got with that. Never fails.
   *
   * - Its id stands for nothing: the client is to forget it.
   * - Its id comes with a new locator, since the client has moved to another server, or with a new end of life.
   * - The request has started a session where an id of the client stood for nothing.
   *
   * @returns undefined when there is nothing to wait for
   */
  checkIds(request: RequestState): MaybePromise<void> {
    if (request.exchange.isHeadSent) return undefined;
    request.removesId = false;
    request.withholdsId = false;
    if (request.standing === 'started') return this.checkStarted(request);
    return request.live ? this.checkSentAgain(request, request.live) : this.checkDeadId(request);
  }

  private checkDeadId(request: RequestState): MaybePromise<void> {
    const { deadId } = request;
    if (deadId === undefined || this.mayLiveElsewhere(request) || isLate(request)) return undefined;
    const note = (outcome: Looked): void => {
      request.removesId = outcome === 'none' && request.deadId !== undefined;
    };
    const outcome = this.look(accessOf(deadId));
    return isPromise(outcome) ? outcome.then(note) : note(outcome);
  }

  /** The client knows the id, and its locator and end of life, or is told nothing of these. */
  isKnown({ id, presented }: RequestState, live: LiveSession): boolean {
    return presented?.id === id && presented?.locator === this.locatorOf(live) && !live.stored.isEndUntold;
  }

  /** One call of the store, where the client gets the id that it has once more and the request has not just saved. */
  private checkSentAgain(request: RequestState, live: LiveSession): MaybePromise<void> {
    const { id, presented, isIdProven } = request;
    if (isIdProven || live.isEnded || presented?.id !== id || this.isKnown(request, live)) return undefined;
    const note = (outcome: Looked): void => {
      request.isIdProven = outcome === 'found';
      request.withholdsId = !request.isIdProven;
    };
    const outcome = this.look(live.access);
    return isPromise(outcome) ? outcome.then(note) : note(outcome);
  }

  /** A session that the request has started must not take the place of that of a login. */
  private checkStarted(request: RequestState): MaybePromise<void> {
    return request.takesOver || request.deadIds.length === 0 ? undefined : this.withholdLate(request);
  }

  private async withholdLate(request: RequestState): Promise<void> {
    for (const id of request.deadIds) {
      const outcome = await this.look(accessOf(id));
      request.withholdsId = outcome === 'superseded';
      // Known by now; or nothing says that the client has logged in.
      if (request.withholdsId || outcome === undefined) return;
    }
  }

  /** Never fails. */
  private look(access: ClientAccess): MaybePromise<Looked> {
    try {
      const answer = this.gateway.look(access);
      return isPromise(answer)
        ? answer.then(
            ({ outcome }) => outcome,
            () => undefined,
          )
        : answer.outcome;
    } catch {
      return undefined;
    }
  }

  /** The client may come from another server, which has a store of its own. */
  private mayLiveElsewhere({ standing, presented }: RequestState): boolean {
    return standing === 'none' && !this.gateway.isShared && presented?.locator !== this.locatorOf(undefined);
  }

  private acquire(
    request: RequestState,
    { id, locator, freshness }: PresentedId,
  ): MaybePromise<LiveSession | NoSession> {
    const access = accessOf(id);
    return this.liveSessions.acquire(access, locator, savesSeen(freshness, access.key), request.timing);
  }

  /**
   * The client presents several ids. If one of them is of a session that lives, the client means that one: the others
   * are left over. If several are, nobody can tell which one the client means, and somebody else may have given it one
   * of them.
   */
  private async loadOneOf(request: RequestState, ids: readonly PresentedId[]): Promise<void> {
    const found: { readonly presented: PresentedId; readonly live: LiveSession }[] = [];
    const strays: string[] = [];
    let without: NoSession = 'none';
    try {
      for (const presented of ids) {
        const live = await this.sound(presented, () => this.acquire(request, presented));
        if (isLive(live)) found.push({ presented, live });
        else if (live === 'superseded') without = live;
        else strays.push(presented.id);
      }
    } catch (error) {
      for (const { live } of found) this.liveSessions.release(live);
      throw this.failed(request, error);
    }
    request.strayIds = strays;
    const [only] = found;
    if (only && found.length === 1) {
      request.presented = only.presented;
      return this.use(request, only.live);
    }
    for (const { live } of found) this.liveSessions.release(live);
    return this.useFound(request, found.length > 1 ? 'ambiguous' : without);
  }

  /** A session that is damaged as a whole counts as none where the option says so. */
  private async sound(
    presented: PresentedId,
    acquire: () => MaybePromise<LiveSession | NoSession>,
  ): Promise<LiveSession | NoSession> {
    try {
      return await acquire();
    } catch (error) {
      const isDamaged = error instanceof SessionStateError && error.reason === 'undecodable';
      if (!isDamaged || this.settings.onUndecodable !== 'reset') throw error;
      const session = unknownSession(accessOf(presented.id).key);
      this.events.emit('undecodable', { session, bean: undefined, error });
      return 'none';
    }
  }

  private async useLater(
    request: RequestState,
    presented: PresentedId,
    acquired: Promise<LiveSession | NoSession>,
  ): Promise<void> {
    let found: LiveSession | NoSession;
    try {
      found = await this.sound(presented, () => acquired);
    } catch (error) {
      throw this.failed(request, error);
    }
    await this.useFound(request, found);
  }

  /** The session of the request could not be loaded. @returns the error of this request */
  private failed(request: RequestState, error: unknown): unknown {
    request.loadFailure = ownError(error);
    return request.loadFailure;
  }

  /** @param found for what the client has presented */
  private useFound(request: RequestState, found: LiveSession | NoSession | 'ambiguous'): MaybePromise<void> {
    if (found === 'ambiguous') this.events.emit('ignored', { reason: found });
    if (found !== 'none') return this.use(request, found);
    request.foundNoneAt = performance.now();
    this.events.emit('ignored', { reason: 'unknown' });
    return this.useNone(request);
  }

  /** The client has no session of ours; it may have one of another library. */
  private useNone(request: RequestState): MaybePromise<void> {
    const former = request.exchange.former?.();
    return former ? this.useFormer(request, former) : this.use(request, 'none');
  }

  private async useFormer(request: RequestState, former: FormerSession): Promise<void> {
    let live: LiveSession | NoSession;
    try {
      live = await this.former.take(former);
    } catch (error) {
      throw this.failed(request, error);
    }
    this.use(request, live, former.id);
  }

  private use(request: RequestState, found: LiveSession | NoSession | 'ambiguous', id?: string): void {
    const live = isLive(found) ? found : undefined;
    if (request.activate(this.unitOn(request, live), found, id)) return;
    // The client left while its session was loaded.
    if (live) this.liveSessions.release(live);
  }
}

/**
 * The client may have been told by another request that its id is dead, and have logged in since without it: then
 * nothing connects this request with that login.
 */
function isLate({ standing, foundNoneAt }: RequestState): boolean {
  return standing === 'none' && performance.now() - foundNoneAt > QUICK_MS;
}
