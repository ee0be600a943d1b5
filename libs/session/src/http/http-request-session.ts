import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpSession } from '../context/http-session.js';
import { RequestSession } from '../context/request-session.js';
import type { SessionEvents } from '../context/session-events.js';
import type { SessionLifecycle } from '../context/session-lifecycle.js';
import { sessionHash } from '../store/session-id.js';
import { type FrameworkRequest, HttpSessionExchange, type IdCarrier } from './http-session-exchange.js';
import { type GateKeeper, ResponseGate } from './response-gate.js';
import type { ResponseHeaders } from './response-headers.js';

/** What the requests of one application share. */
export interface HttpSessionRuntime extends IdCarrier {
  readonly lifecycle: SessionLifecycle;
  readonly events: SessionEvents;
  readonly httpSession: HttpSession;
  readonly commitOn: 'always' | 'success';

  /** For what nobody can be told otherwise: changes of a failed response that could not be stored. */
  readonly onNotStored: (error: Error) => void;
}

const SLOT = Symbol('nestjs-session-beans:request');

/** The session of one HTTP request: joins the life cycle to the request and its response. */
export class HttpRequestSession extends RequestSession implements GateKeeper {
  declare readonly exchange: HttpSessionExchange;

  /** A handler runs whose commit the interceptor will make. */
  private handling = false;
  private clientGone = false;

  constructor(
    request: IncomingMessage & { [SLOT]?: HttpRequestSession },
    private readonly response: ServerResponse,
    private readonly runtime: HttpSessionRuntime,
  ) {
    super(new HttpSessionExchange(request, response, runtime));
    request[SLOT] = this;
  }

  /** The one of a request as Express or Fastify hand it out; undefined where the middleware did not run. */
  static of(request: unknown): HttpRequestSession | undefined {
    const raw = (request as { raw?: unknown } | undefined)?.raw ?? request;
    return (raw as { [SLOT]?: HttpRequestSession } | undefined)?.[SLOT];
  }

  /** What a parameter marked `@CurrentSession()` gets. */
  get httpSession(): HttpSession {
    return this.runtime.httpSession;
  }

  /** Loads the session and puts the gate before the response. Idempotent. */
  begin(framework: FrameworkRequest | undefined): Promise<void> {
    if (!this.begun) {
      this.exchange.framework = framework;
      ResponseGate.install(this.response, this);
    }
    return this.runtime.lifecycle.begin(this);
  }

  handlerBegins(): void {
    this.handling = true;
  }

  /** @param status the response will have, as far as known; undefined when the handler threw: exception filters are next */
  async handlerEnded(status: number | undefined): Promise<void> {
    this.handling = false;
    const { lifecycle } = this.runtime;
    try {
      if (status !== undefined || this.clientGone) await this.beforeBytes(status ?? 500, false);
    } finally {
      if (this.clientGone) lifecycle.end(this);
    }
  }

  beforeBytes(status: number, _isEnd: boolean): Promise<void> | undefined {
    const { lifecycle, commitOn } = this.runtime;
    if (!lifecycle.needsCommit(this)) return undefined;
    const failed = status >= 400;
    if (failed && commitOn === 'success') {
      lifecycle.rollback(this);
      return undefined;
    }
    const commit = lifecycle.commit(this);
    // The client is told that it failed either way; what exactly went wrong first is the better answer.
    return failed ? commit.catch((error: Error) => this.notStored(error)) : commit;
  }

  beforeHead(headers: ResponseHeaders): void {
    this.exchange.writeHead(headers);
  }

  afterEnd(): void {
    this.clientGone = true;
    if (!this.handling) this.runtime.lifecycle.end(this);
  }

  private notStored(error: Error): void {
    this.runtime.events.emit('notStored', { session: this.live && sessionHash(this.live.key), error });
    this.runtime.onNotStored(error);
  }
}
