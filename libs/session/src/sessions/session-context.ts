import type { IncomingHttpHeaders } from 'node:http';
import { SessionStateError } from '../errors/session-state.error.js';
import { HttpIdExchange, type IdCarrier, type RequestOfIds } from '../http/id/http-id-exchange.js';
import type { CurrentRequest } from '../request/current-request.js';
import type { HttpSession } from '../request/http-session.js';
import { NEW_CLIENT, NO_RESPONSE } from '../request/id-exchange.js';
import { RequestState } from '../request/request-state.js';
import type { SessionLifecycle } from '../request/session-lifecycle.js';
import type { MaybePromise } from '../store/maybe-promise.js';
import { type SessionHandle, parseSessionHandle } from '../store/session-handle.js';

/** A request that does not come through Nest's router: that of a WebSocket's handshake, for example. */
export interface RequestHeaders {
  /** As Node gives them, or as an object of the Fetch API. */
  readonly headers: IncomingHttpHeaders | Headers;

  /** The target of the request, for `idTransport: 'url'`. */
  readonly url?: string | undefined;

  /**
   * `https` when the request has come over TLS. Requests of Express and Fastify say it themselves, with regard to the
   * proxies that they trust. Default: as the socket says, if there is one.
   */
  readonly protocol?: string | undefined;
}

/** Says whose session it is: its handle, or the request of the client that has it. */
export type SessionSource = SessionHandle | RequestHeaders;

/**
 * Runs code with a session where no handler of Nest's router runs: in jobs, timers, webhooks, gateways, commands.
 * Injectable wherever `HttpSession` is.
 *
 * `run` opens a unit of work of its own. In it beans, `HttpSession`, locks, merge rules and `flush()` work as in a
 * handler:
 *
 * - It sees the session as it is stored, and what requests on this server are about to store. Nobody sees what it
 *   changes before that is stored.
 * - What it has changed is stored before the promise of `run` resolves. When `work` throws, nothing is, except what
 *   `flush()` and `runExclusive()` have stored before.
 * - It counts as use of the session, like a request.
 * - By a handle it goes on when the session gets a new id meanwhile, and ends when another principal logs in.
 * - There is no response, so `login()`, `renewId()`, and a session that would have to start throw
 *   `SessionResponseCommittedError`. `logout()` and `invalidate()` end the session as everywhere.
 *
 * Work inside a request, or inside other work, is a unit of its own as well, also in the same session: it does not see
 * what the code around it has not stored (call `flush()` before); that code sees its changes when it stores its own.
 * Code that has the session for itself keeps `runExclusive()` of work in the same session waiting.
 *
 * An abstract class, so that a plain object can stand in for it in a unit test.
 *
 * @see Jakarta CDI `RequestContextController`
 * @example
 * ```ts
 * @Processor('reports')
 * export class ReportProcessor extends WorkerHost {
 *   constructor(private readonly sessions: SessionContext, private readonly cart: Cart) {
 *     super();
 *   }
 *
 *   process(job: Job<{ handle: SessionHandle }>): Promise<void> {
 *     return this.sessions.run(job.data.handle, async () => {
 *       this.cart.reportIsReady = true;
 *     });
 *   }
 * }
 * ```
 */
export abstract class SessionContext {
  /** Beans answer for a session in the running code: in a handler for which one was loaded, and in `run`. */
  abstract readonly isActive: boolean;

  /**
   * @param source the handle of a session; or a request, whose client may have none: then `exists` is false, beans can
   * be read, and a change is refused
   * @param work gets the injectable `HttpSession`, which answers for this session as long as `work` runs
   * @returns what `work` returns, once its changes are stored
   * @throws SessionEndedError when no session has that handle, before `work` is called, or when the session ended while
   * `work` ran and changed something; what `work` throws; what `flush` throws
   */
  abstract run<T>(source: SessionSource, work: (session: HttpSession) => MaybePromise<T>): Promise<T>;
}

/** What a client has of a session that was started for it. */
interface StartedSession {
  readonly token: string;
  readonly handle: SessionHandle;
}

/** The one `SessionContext` of an application. */
export class ApplicationSessionContext extends SessionContext {
  constructor(
    private readonly current: CurrentRequest,
    private readonly lifecycle: SessionLifecycle,
    private readonly session: HttpSession,
    private readonly carrier: IdCarrier,
  ) {
    super();
  }

  get isActive(): boolean {
    return this.current.state?.activeUnit !== undefined;
  }

  async run<T>(source: SessionSource, work: (session: HttpSession) => MaybePromise<T>): Promise<T> {
    const state = typeof source === 'string' ? stateOfHandle(source) : stateOfRequest(source, this.carrier);
    state.handler = 'SessionContext.run()';
    return this.runIn(state, work);
  }

  /** For tests: starts the session of a client that is not there, and gives what it would present. */
  startSession(work: (session: HttpSession) => MaybePromise<void>): Promise<StartedSession> {
    const state = new RequestState(NEW_CLIENT);
    state.handler = 'createTestSession()';
    return this.runIn(state, async (session) => {
      await work(session);
      session.start();
      await session.flush();
      const token = this.carrier.format.format(state.id as string, this.lifecycle.locatorOf(state.live));
      return { token, handle: session.handle as SessionHandle };
    });
  }

  private async runIn<T>(state: RequestState, work: (session: HttpSession) => MaybePromise<T>): Promise<T> {
    try {
      await this.lifecycle.begin(state);
      const result = await this.current.run({ state }, async () => work(this.session));
      await state.forgotten;
      await this.lifecycle.commit(state);
      return result;
    } finally {
      this.lifecycle.end(state);
    }
  }
}

/** The state of a request that does not come through Nest's router. */
export function stateOfRequest(request: RequestHeaders, carrier: IdCarrier): RequestState {
  if (typeof request?.headers !== 'object' || request.headers === null) throw refusedSource();
  const { headers, url, socket } = request as RequestHeaders & Pick<RequestOfIds, 'socket'>;
  const entries = headers instanceof Headers ? headers.entries() : Object.entries(headers);
  // The names of plain objects are as their authors like them.
  const byName = Object.fromEntries(Array.from(entries, ([name, value]) => [name.toLowerCase(), value]));
  const exchange = new HttpIdExchange({ headers: byName, url, socket }, undefined, carrier);
  exchange.framework = request;
  return new RequestState(exchange);
}

function stateOfHandle(handle: string): RequestState {
  const named = parseSessionHandle(handle);
  if (!named) throw refusedSource();
  return new RequestState(NO_RESPONSE, named);
}

/** The text is not shown: it may be the id of a session, or a cookie. */
function refusedSource(): SessionStateError {
  return new SessionStateError(
    'SessionContext.run()',
    'needs the handle of a session, as HttpSession.handle gives it, or an object with the headers of a request',
  );
}
