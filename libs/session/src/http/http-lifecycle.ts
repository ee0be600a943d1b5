import type { IncomingMessage, ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { SessionError } from '../errors/session.error.js';
import type { HttpSession } from '../request/http-session.js';
import { RequestState } from '../request/request-state.js';
import { type SessionEvents, sessionRef } from '../request/session-events.js';
import type { SessionLifecycle } from '../request/session-lifecycle.js';
import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import type { RequestTimings } from '../timing/request-timings.js';
import type { GraphqlOperations } from './graphql-operations.js';
import { type FrameworkRequest, HttpIdExchange, type IdCarrier } from './id/http-id-exchange.js';
import { type ClearSiteDataOptions, clearSiteData } from './response/clear-site-data.js';
import { ResponseGate } from './response/response-gate.js';
import type { ResponseHeaders } from './response/response-headers.js';
import type { ResponseHooks } from './response/response-hooks.js';
import { TimedResponse } from './response/timed-response.js';

/** What the requests of one application share. */
export interface HttpSessionRuntime extends IdCarrier {
  readonly lifecycle: SessionLifecycle;
  readonly events: SessionEvents;
  readonly httpSession: HttpSession;
  readonly commitOn: 'always' | 'success';
  readonly timings: RequestTimings;

  /** The data that browsers are told to forget at a login or logout. */
  readonly clearSiteData: ClearSiteDataOptions | undefined;

  /**
   * Code runs around every handler (global interceptors). It may keep parts of beans and change them after the
   * handler's commit, so the last commit of a request looks at all its beans again.
   */
  hasOuterCode: boolean;

  /** Called with the error when the changes of a failed response could not be stored: no client can be told. */
  readonly onNotStored: (error: Error) => void;
}

/** Token of the objects that all requests of the application share: `HttpSessionRuntime`. */
export const HTTP_SESSION_RUNTIME = Symbol('HTTP_SESSION_RUNTIME');

const SLOT = Symbol('nestjs-session-beans:request');
const logger = new Logger('SessionModule');

/**
 * How far the handler of a request is, as far as its session is concerned: `pending` until one begins, `running`,
 * `storing` what it changed, `done`.
 */
type HandlerPhase = 'pending' | 'running' | 'storing' | 'done';

/**
 * One HTTP request with its session: joins the life cycle to the request, its handler and its response.
 *
 * When the client goes away early, the handler finishes and its changes are stored; a session is not started for a
 * client that can no longer be given its id.
 */
export class HttpLifecycle implements ResponseHooks {
  readonly state: RequestState;
  private readonly exchange: HttpIdExchange;
  private readonly timedResponse: TimedResponse | undefined;
  private handler: HandlerPhase = 'pending';
  private isClientGone = false;

  /** The handler answers through the framework's response, maybe after it has returned: its status is not known. */
  answersItself = false;

  /** Set by the guard where GraphQL resolvers answer. */
  operations: GraphqlOperations | undefined;

  /** Handlers that run side by side share one lock. */
  private locking: Promise<void> | undefined;

  /** Held bytes are asked about until there is nothing to wait for; the ids are checked once after each commit. */
  private areIdsChecked = false;

  /** Bytes left while their handler was still running: it may change parts of beans without touching them again. */
  private wasStoredEarly = false;

  /** The last one. Where waiting helps, the client is told when to come again. */
  private refusal: SessionError | undefined;

  constructor(
    request: IncomingMessage & { [SLOT]?: HttpLifecycle },
    private readonly response: ServerResponse,
    private readonly runtime: HttpSessionRuntime,
  ) {
    this.exchange = new HttpIdExchange(request, response, runtime);
    this.state = new RequestState(this.exchange);
    this.timedResponse = TimedResponse.follow(request, response, runtime.timings);
    this.state.timing = this.timedResponse?.timing;
    request[SLOT] = this;
  }

  /** That of a request as Express or Fastify hand it out; undefined where nothing of ours has run yet. */
  static of(request: unknown): HttpLifecycle | undefined {
    const raw = (request as { raw?: unknown } | undefined)?.raw ?? request;
    return (raw as { [SLOT]?: HttpLifecycle } | undefined)?.[SLOT];
  }

  /** Whether it is a request of this application: several may share a server. */
  belongsTo(runtime: HttpSessionRuntime): boolean {
    return this.runtime === runtime;
  }

  /** Loads the session in middleware: before the guard would, which finds it loaded then. */
  async load(): Promise<void> {
    await this.begin(undefined);
    // Middleware may keep parts of beans, and change them after the handler's commit.
    this.state.unit?.watchAll();
  }

  /** The value of a parameter marked `@CurrentSession()`. */
  get httpSession(): HttpSession {
    return this.runtime.httpSession;
  }

  /**
   * Loads the session and puts the gate before the response; with `lockWaitMs`, waits until the request has the session
   * for itself. Idempotent.
   * @returns undefined when there is nothing to wait for
   */
  begin(framework: FrameworkRequest | undefined, lockWaitMs?: number): MaybePromise<void> {
    this.exchange.framework ??= framework;
    if (this.state.phase === 'idle') {
      this.timedResponse?.unpatch();
      ResponseGate.install(this.response, this);
    }
    const loading = this.runtime.lifecycle.begin(this.state);
    if (isPromise(loading) || lockWaitMs !== undefined) return this.beginLater(loading, lockWaitMs);
    return this.begun();
  }

  /** The status that the response will have if no code sets another one. */
  get statusCode(): number {
    return this.response.statusCode;
  }

  /**
   * A handler begins; its caller calls `handlerEnded`.
   * @param name of the handler that begins
   * @returns false when the request waits for no handler of that name (another handler calls it), or has no session
   */
  handlerBegins(name = this.state.handler): boolean {
    if (this.state.phase !== 'active' || this.isHandling || name !== this.state.handler) return false;
    this.handler = 'running';
    this.state.timing?.enter('application');
    return true;
  }

  /**
   * @param status the response will have, as far as known; undefined when the handler threw or was given up: exception
   * filters are next
   * @param error what it threw
   * @returns when its changes are stored; undefined if there is nothing to wait for
   */
  handlerEnded(status: number | undefined, error?: unknown): MaybePromise<void> {
    this.handler = 'storing';
    this.state.timing?.enter('framework');
    this.noteRefusal(error);
    if (this.isClientGone) return this.leave(status ?? 500);
    // What it threw may be answered with any status: a login in it does not count.
    if (status === undefined) this.state.cancelLogin();
    // Code around the handler may still refuse a login. Such changes are stored before the first byte.
    const isUndecided =
      this.answersItself ||
      (this.runtime.hasOuterCode && !this.operations && this.state.pendingActions.login !== undefined);
    const stored = status === undefined || isUndecided ? undefined : this.store(status, false, true);
    if (!isPromise(stored)) this.handler = 'done';
    return stored;
  }

  /**
   * Stores what middleware, or queries and field resolvers, have changed: a handler that has promised to change
   * nothing, or a mutation, begins with nothing pending.
   * @throws why that was refused; the whole request is answered with it then
   */
  async storePending(): Promise<void> {
    const { operations } = this;
    try {
      await this.store(this.statusFor(200, false));
      operations?.settled();
    } catch (error) {
      if (operations) operations.refusal = error as Error;
      throw error;
    }
  }

  beforeBytes(status: number, moment: 'head' | 'held' | 'end'): MaybePromise<void> {
    if (this.operations?.refusal !== undefined) return Promise.reject(this.operations.refusal);
    if (moment === 'held' && this.state.live) return undefined;
    const isHandlerOver = this.handler === 'storing' || this.handler === 'done';
    const stored = this.store(this.statusFor(status, true), moment === 'end' && this.wasStoredEarly);
    if (!isPromise(stored)) return this.areIdsChecked ? undefined : this.checkIds();
    if (moment !== 'end' && !isHandlerOver) this.wasStoredEarly = true;
    return this.reported(stored.then(() => this.checkIds()));
  }

  beforeHead(headers: ResponseHeaders, status: number): void {
    const { lifecycle } = this.runtime;
    const { removesId, standing, userChange } = this.state;
    const id = lifecycle.idToSend(this.state);
    if (id) lifecycle.idSent(this.state);
    const freshness = lifecycle.freshnessToSend(this.state);
    const sent = { id, freshness, removesId: !id && removesId };
    this.exchange.writeHead(headers, sent, standing, userChange === 'login');
    this.timedResponse?.beforeHead(headers);
    this.writeRetryAfter(headers, status);
    if (status < 400) this.writeClearSiteData(headers);
  }

  errorBody(refusal: SessionError | undefined): object | undefined {
    return this.operations?.errorBody(refusal);
  }

  afterEnd(isComplete: boolean): void {
    const { lifecycle } = this.runtime;
    if (!isComplete) {
      this.isClientGone = true;
      if (!this.isHandling) void this.leave(this.response.statusCode);
    } else if (this.isClientGone && this.state.phase !== 'closed') {
      void this.leave(this.response.statusCode).then(() => lifecycle.end(this.state));
    } else {
      lifecycle.end(this.state);
    }
  }

  /** GraphQL answers failed operations with 200 as well. */
  private statusFor(status: number, isEnd: boolean): number {
    return this.runtime.commitOn === 'success' && this.operations?.isFailed(isEnd) === true ? 500 : status;
  }

  /** The changes of the handler are not stored yet: the end of the connection waits for them. */
  private get isHandling(): boolean {
    return this.handler === 'running' || this.handler === 'storing';
  }

  /**
   * @param isEager stores even if nothing was touched since the last commit
   * @param endsHandler the handler is done with it, unless there is nothing to wait for
   */
  private store(status: number, isEager = false, endsHandler = false): MaybePromise<void> {
    const { lifecycle, commitOn } = this.runtime;
    const { state } = this;
    if (state.phase !== 'active' && state.phase !== 'detached') return undefined;
    const { forgotten } = state;
    const isFailure = status >= 400;
    if (forgotten) {
      return this.settled(this.storeAfter(forgotten, status, isEager), !isFailure && !this.isClientGone, endsHandler);
    }
    if (!isEager && !lifecycle.needsCommit(state)) return undefined;
    // A login counts only if its request does not fail.
    if (isFailure) state.cancelLogin();
    const cannotStart = this.isClientGone && !state.hasSession && !state.turns.underWay;
    if ((isFailure && commitOn === 'success') || cannotStart) {
      lifecycle.rollback(state);
      const { underWay } = state.turns;
      return underWay && this.settled(underWay, false, endsHandler);
    }
    this.areIdsChecked = false;
    const stored = lifecycle.commit(state);
    return isPromise(stored) ? this.settled(stored, !isFailure && !this.isClientGone, endsHandler) : undefined;
  }

  private async storeAfter(work: Promise<unknown>, status: number, isEager: boolean): Promise<void> {
    await work;
    await this.store(status, isEager);
  }

  private checkIds(): MaybePromise<void> {
    this.areIdsChecked = true;
    return this.runtime.lifecycle.checkIds(this.state);
  }

  private async beginLater(loading: MaybePromise<void>, lockWaitMs: number | undefined): Promise<void> {
    try {
      await loading;
      if (lockWaitMs !== undefined) await this.lock(lockWaitMs);
      this.begun();
    } catch (error) {
      this.noteRefusal(error);
      throw error;
    }
  }

  private async lock(waitMs: number): Promise<void> {
    this.locking ??= this.runtime.lifecycle.lock(this.state, waitMs);
    try {
      await this.locking;
    } finally {
      this.locking = undefined;
    }
  }

  /** Field resolvers of GraphQL are given what mutations have returned, and may change it. */
  private begun(): void {
    if (this.runtime.hasOuterCode || this.operations) this.state.unit?.watchAll();
  }

  /**
   * @param isNeeded the answer says that it is stored; otherwise the client learns of a failure anyway, or is gone
   * @throws the failure of `stored`, if it is needed
   */
  private async settled(stored: Promise<void>, isNeeded: boolean, endsHandler: boolean): Promise<void> {
    try {
      await stored;
    } catch (error) {
      if (isNeeded) {
        this.noteRefusal(error);
        throw error;
      }
      const { live } = this.state;
      this.runtime.events.emit('notStored', { session: live && sessionRef(live), error: error as Error });
      this.runtime.onNotStored(error as Error);
    } finally {
      if (endsHandler) {
        this.handler = 'done';
        // Code around the handler may take long before the answer leaves.
        if (this.runtime.hasOuterCode) this.state.isIdProven = false;
        if (this.isClientGone) this.runtime.lifecycle.detach(this.state);
      }
    }
  }

  /** The client is gone. Never rejects: no client can be told. */
  private async leave(status: number): Promise<void> {
    try {
      await this.store(status);
    } finally {
      if (this.isHandling) this.handler = 'done';
      this.runtime.lifecycle.detach(this.state);
    }
  }

  /** Nest does not see what the gate refuses: it is logged here. */
  private async reported(stored: Promise<void>): Promise<void> {
    try {
      await stored;
    } catch (error) {
      if (error instanceof SessionError) this.noteRefusal(error);
      else logger.error(error);
      throw error;
    }
  }

  /** One line for each refusal, because Nest logs none. The handler may pass on what its commit has thrown. */
  noteRefusal(error: unknown): void {
    if (!(error instanceof SessionError) || error === this.refusal) return;
    this.refusal = error;
    const line = `${this.state.handler ?? 'a request'} was refused: ${error.code}: ${error.detail}`;
    if (error.getStatus() >= 500) logger.error(line);
    else logger.debug(line);
  }

  private writeRetryAfter(headers: ResponseHeaders, status: number): void {
    const { refusal } = this;
    if (refusal?.retryAfterMs === undefined || status !== refusal.getStatus()) return;
    if (headers.get('Retry-After') !== undefined) return;
    headers.set('Retry-After', String(Math.max(1, Math.ceil(refusal.retryAfterMs / 1_000))));
  }

  private writeClearSiteData(headers: ResponseHeaders): void {
    const { userChange, standing } = this.state;
    // Another site must not be able to make browsers forget. A login may come from there to a session that it brings.
    if (userChange === undefined || (standing !== 'found' && this.exchange.isFromOtherSite)) return;
    const { onLogin, onLogout } = this.runtime.clearSiteData ?? {};
    const directives = userChange === 'login' ? onLogin : onLogout;
    if (directives) clearSiteData(headers, directives);
  }
}
