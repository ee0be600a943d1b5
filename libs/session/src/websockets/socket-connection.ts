import { isObservable, Observable } from 'rxjs';
import { SessionEndedError } from '../errors/session-ended.error.js';
import type { SessionError } from '../errors/session.error.js';
import type { HttpSessionRuntime } from '../http/http-lifecycle.js';
import type { SessionEnds } from '../live/session-ends.js';
import type { CurrentRequest } from '../request/current-request.js';
import { NO_RESPONSE } from '../request/id-exchange.js';
import { RequestState } from '../request/request-state.js';
import { type RequestHeaders, stateOfRequest } from '../sessions/session-context.js';
import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import type { NamedByHandle } from '../store/session-handle.js';
import { type SocketClient, closeSocket, whenClosed } from './socket-client.js';
import { SocketMessage } from './socket-message.js';

/** The objects that all connections of the application share. */
export interface SocketRuntime {
  readonly current: CurrentRequest;
  readonly http: HttpSessionRuntime;
  readonly ends: SessionEnds;
}

/** The session of a connection: `none` where its client has presented no id that opens one. */
type SocketSession = NamedByHandle | 'none' | 'superseded';

/**
 * One connection of a client, with the session that its handshake has opened. It keeps that session's handle, so it
 * goes on under a new id, and it is closed when no session has the handle any more.
 *
 * Invariants:
 * 1. Messages begin in the order in which they came, each with a unit of work of its own.
 * 2. After the end of the session no message stores anything: its commit, or its load, finds no session.
 * 3. A connection holds no live session and makes no call of the store between messages, other than `SessionEnds` does.
 */
export class SocketConnection {
  /** Those under way; undefined while there is none, as there is for most connections at any moment. */
  private messages: Set<SocketMessage> | undefined;

  private session: MaybePromise<SocketSession>;

  /** Resolves when the messages before have begun; undefined when they have. */
  private turn: Promise<void> | undefined;
  private stopWatching: (() => void) | undefined;
  private isClosed = false;
  private hasEnded = false;

  constructor(
    private readonly client: SocketClient,
    private readonly runtime: SocketRuntime,
    handshake: RequestHeaders,
  ) {
    this.session = this.open(handshake);
    whenClosed(client, () => this.closed());
  }

  /** The session of the handshake; undefined where it has opened none. */
  async named(): Promise<NamedByHandle | undefined> {
    const session = await this.session;
    return typeof session === 'string' ? undefined : session;
  }

  /**
   * Runs the handler of a message, with its guards and all, in the session.
   * @param work gives what Nest's proxy around the handler does
   */
  async handle(work: () => unknown): Promise<unknown> {
    const message = await this.begin();
    let result: unknown;
    try {
      result = await this.runtime.current.run(message, work);
    } finally {
      // Its handler begins when the adapter subscribes; where it never does, the connection has closed.
      if (!isObservable(result) || this.isClosed) message.end();
    }
    return isObservable(result) ? this.inContext(message, result) : result;
  }

  private async begin(): Promise<SocketMessage> {
    const before = this.turn;
    const beginning = this.beginMessage();
    const turn = Promise.all([before, beginning]).then(() => {
      if (this.turn === turn) this.turn = undefined;
    });
    this.turn = turn;
    await turn;
    return beginning;
  }

  private async beginMessage(): Promise<SocketMessage> {
    const message = new SocketMessage(this.stateOf(await this.session), this.runtime.http.lifecycle, (ended) =>
      this.messages?.delete(ended),
    );
    (this.messages ??= new Set()).add(message);
    if (this.hasEnded) message.failure = new SessionEndedError();
    else await message.begin();
    if (message.failure === undefined && (await this.session) === 'superseded') message.state.becomeSuperseded();
    return message;
  }

  private stateOf(session: SocketSession): RequestState {
    return new RequestState(NO_RESPONSE, typeof session === 'string' ? undefined : session);
  }

  /** Nest subscribes in the context of the adapter, and interceptors run then. */
  private inContext(message: SocketMessage, result: Observable<unknown>): Observable<unknown> {
    return new Observable((subscriber) => {
      // An interceptor around ours may have answered by itself.
      subscriber.add(() => void (message.isFollowed || message.end()));
      this.runtime.current.run(message, () => subscriber.add(result.subscribe(subscriber)));
    });
  }

  private open(handshake: RequestHeaders): MaybePromise<SocketSession> {
    const { lifecycle } = this.runtime.http;
    const state = stateOfRequest(handshake, this.runtime.http);
    state.handler = 'a handshake';
    const begun = lifecycle.begin(state);
    return isPromise(begun) ? this.openLater(begun, state) : this.opened(state);
  }

  private async openLater(begun: Promise<void>, state: RequestState): Promise<SocketSession> {
    try {
      await begun;
      return (this.session = this.opened(state));
    } catch (error) {
      // The client comes again, as it does after any connection that was lost.
      closeSocket(this.client, error as SessionError, 'unavailable');
      this.hasEnded = true;
      return (this.session = 'none');
    }
  }

  private opened(state: RequestState): SocketSession {
    const { live, standing } = state;
    const { lifecycle } = this.runtime.http;
    if (!live) {
      lifecycle.end(state);
      return standing === 'superseded' ? standing : 'none';
    }
    const session = { key: live.key, logins: live.stored.identity.logins };
    lifecycle.end(state);
    if (!this.isClosed) this.stopWatching = this.runtime.ends.watch(session, (error) => this.ended(error));
    return session;
  }

  private ended(error: SessionEndedError): void {
    this.hasEnded = true;
    closeSocket(this.client, error, 'ended');
  }

  private closed(): void {
    this.isClosed = true;
    this.stopWatching?.();
    // Handlers that have begun finish. Nobody will begin the others.
    setImmediate(() => {
      for (const message of this.messages ?? []) if (!message.isFollowed) message.end();
    });
  }
}
