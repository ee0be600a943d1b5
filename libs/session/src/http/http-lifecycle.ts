import type { IncomingMessage, ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import type { HttpSession } from '../request/http-session.js';
import { RequestState } from '../request/request-state.js';
import type { SessionEvents } from '../request/session-events.js';
import type { SessionLifecycle } from '../request/session-lifecycle.js';
import { SessionError } from '../errors/session.error.js';
import { sessionHash } from '../store/session-id.js';
import type { RequestTimings } from '../timing/request-timings.js';
import type { GateKeeper } from './response/gate-keeper.js';
import { type FrameworkRequest, HttpIdExchange, type IdCarrier } from './id/http-id-exchange.js';
import { ResponseGate } from './response/response-gate.js';
import type { ResponseHeaders } from './response/response-headers.js';
import { TimedResponse } from './response/timed-response.js';

/** What the requests of one application share. */
export interface HttpSessionRuntime extends IdCarrier {
  readonly lifecycle: SessionLifecycle;
  readonly events: SessionEvents;
  readonly httpSession: HttpSession;
  readonly commitOn: 'always' | 'success';
  readonly timings: RequestTimings;

  /**
   * Code runs around every handler (global interceptors), and may hold on to parts of beans and change them after the handler's commit: the
   * last commit of a request then looks at all its beans again.
   */
  hasOuterCode: boolean;

  /** For what nobody can be told otherwise: changes of a failed response that could not be stored. */
  readonly onNotStored: (error: Error) => void;
}

const SLOT = Symbol('nestjs-session-beans:request');
const logger = new Logger('SessionModule');

/**
 * The session of one HTTP request: joins the life cycle to the request and its response.
 *
 * When the client goes away early, the handler finishes and what it changed is stored; a session is not started for a client that can no
 * longer be given its id.
 */
export class HttpLifecycle extends RequestState implements GateKeeper {
  declare readonly exchange: HttpIdExchange;

  /** A handler runs that will tell when it has ended. */
  private isHandling = false;
  private wasHandled = false;
  private isClientGone = false;
  /** Bytes left while the code that makes them was still running: it may hold on to parts of beans without touching them again. */
  private wasStoredEarly = false;
  /** The store, or the session, was too busy: the client is told when to come again. */
  private wasUnavailable = false;
  private readonly timedResponse: TimedResponse | undefined;

  constructor(
    request: IncomingMessage & { [SLOT]?: HttpLifecycle },
    private readonly response: ServerResponse,
    private readonly runtime: HttpSessionRuntime,
  ) {
    super(new HttpIdExchange(request, response, runtime));
    request[SLOT] = this;
    this.timedResponse = TimedResponse.follow(request, response, runtime.timings);
    this.timing = this.timedResponse?.timing;
  }

  /** The one of a request as Express or Fastify hand it out; undefined where the middleware did not run. */
  static of(request: unknown): HttpLifecycle | undefined {
    const raw = (request as { raw?: unknown } | undefined)?.raw ?? request;
    return (raw as { [SLOT]?: HttpLifecycle } | undefined)?.[SLOT];
  }

  /** What a parameter marked `@CurrentSession()` gets. */
  get httpSession(): HttpSession {
    return this.runtime.httpSession;
  }

  /**
   * Loads the session and puts the gate before the response; with `lockWaitMs`, waits until the request has the session for itself. Idempotent.
   * @returns undefined when there is nothing to wait for
   */
  begin(framework: FrameworkRequest | undefined, lockWaitMs?: number): Promise<void> | undefined {
    if (!this.hasBegun) {
      this.exchange.framework = framework;
      this.timedResponse?.giveWay();
      ResponseGate.install(this.response, this);
      // Its close event was before the gate.
      if (this.response.destroyed) this.afterEnd(false);
    }
    const loading = this.runtime.lifecycle.begin(this);
    if (loading || lockWaitMs !== undefined) return this.beginLater(loading, lockWaitMs);
    this.begun();
    return undefined;
  }

  /** The status that the response will have if nobody sets another one. */
  get statusCode(): number {
    return this.response.statusCode;
  }

  /**
   * Whoever calls it tells when the handler has ended.
   * @param name of the handler that begins
   * @returns false when the request waits for none of that name (it is called by its handler), or has no session open
   */
  handlerBegins(name = this.handler): boolean {
    if (this.phase !== 'active' || this.isHandling || name !== this.handler) return false;
    this.isHandling = true;
    this.timing?.enter('application');
    return true;
  }

  /**
   * @param status the response will have, as far as known; undefined when the handler threw or was given up: exception filters are next
   * @param error what it threw
   * @returns when what it changed is stored; undefined if there is nothing to wait for
   */
  handlerEnded(status: number | undefined, error?: unknown): Promise<void> | undefined {
    this.wasHandled = true;
    this.timing?.enterNext('framework');
    this.noteUnavailable(error);
    const stored = this.storeHandlers(status);
    this.timing?.catchUp();
    return stored;
  }

  private storeHandlers(status: number | undefined): Promise<void> | undefined {
    if (this.isClientGone) return this.leave(status ?? 500);
    const stored = status === undefined ? undefined : this.store(status, false, true);
    if (!stored) this.isHandling = false;
    return stored;
  }

  beforeBytes(status: number, moment: 'head' | 'held' | 'end'): Promise<void> | undefined {
    if (moment === 'held' && this.live) return undefined;
    const stored = this.store(status, moment === 'end' && this.wasStoredEarly);
    if (stored && moment !== 'end' && !this.wasHandled) this.wasStoredEarly = true;
    return stored && this.reported(stored);
  }

  beforeHead(headers: ResponseHeaders, status: number): void {
    const { lifecycle } = this.runtime;
    this.exchange.writeHead(headers, lifecycle.toHandOut(this), lifecycle.toTell(this));
    this.timedResponse?.beforeHead(headers);
    if (status === 503 && this.wasUnavailable && headers.get('Retry-After') === undefined) {
      headers.set('Retry-After', '1');
    }
  }

  afterEnd(isComplete: boolean): void {
    const { lifecycle } = this.runtime;
    if (!isComplete) {
      this.isClientGone = true;
      if (!this.isHandling) void this.leave(this.response.statusCode);
    } else if (this.isClientGone && this.phase !== 'closed') {
      void this.leave(this.response.statusCode).then(() => lifecycle.end(this));
    } else {
      lifecycle.end(this);
    }
  }

  /** @param endsHandler the handler ends with it, unless there is nothing to wait for */
  private store(status: number, evenIfUntouched = false, endsHandler = false): Promise<void> | undefined {
    const { lifecycle, commitOn } = this.runtime;
    if (this.phase !== 'active' && this.phase !== 'detached') return undefined;
    if (!evenIfUntouched && !lifecycle.needsCommit(this)) return undefined;
    const isFailure = status >= 400;
    const cannotStart = this.isClientGone && !this.hasSession && !this.committing;
    if ((isFailure && commitOn === 'success') || cannotStart) {
      lifecycle.rollback(this);
      return this.committing && this.told(this.committing, true, endsHandler);
    }
    const stored = lifecycle.commit(this);
    return stored && this.told(stored, isFailure || this.isClientGone, endsHandler);
  }

  private async beginLater(loading: Promise<void> | undefined, lockWaitMs: number | undefined): Promise<void> {
    try {
      await loading;
      if (lockWaitMs !== undefined) await this.runtime.lifecycle.lock(this, lockWaitMs);
      this.begun();
    } catch (error) {
      this.noteUnavailable(error);
      throw error;
    }
  }

  private begun(): void {
    if (this.runtime.hasOuterCode) this.unit?.watchAll();
  }

  /** @param isToldOtherwise the client is told that it failed either way, or is gone; what went wrong first is the better answer */
  private async told(stored: Promise<void>, isToldOtherwise: boolean, endsHandler: boolean): Promise<void> {
    try {
      await stored;
    } catch (error) {
      if (!isToldOtherwise) {
        this.noteUnavailable(error);
        throw error;
      }
      this.runtime.events.emit('notStored', {
        session: this.live && sessionHash(this.live.key),
        error: error as Error,
      });
      this.runtime.onNotStored(error as Error);
    } finally {
      if (endsHandler) {
        this.isHandling = false;
        if (this.isClientGone) this.runtime.lifecycle.detach(this);
      }
    }
  }

  /** Never rejects: nobody is there to be told. */
  private async leave(status: number): Promise<void> {
    try {
      await this.store(status);
    } finally {
      this.isHandling = false;
      this.runtime.lifecycle.detach(this);
    }
  }

  /** Exception filters, which log what they answer, see nothing of what the gate refuses. */
  private async reported(stored: Promise<void>): Promise<void> {
    try {
      await stored;
    } catch (error) {
      logger.error(error);
      throw error;
    }
  }

  private noteUnavailable(error: unknown): void {
    if (error instanceof SessionError && error.status === 503) this.wasUnavailable = true;
  }
}
