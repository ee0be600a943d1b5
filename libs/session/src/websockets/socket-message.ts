import { Logger } from '@nestjs/common';
import type { Observable, Observer, Subscriber, Subscription } from 'rxjs';
import { SessionResponseCommittedError } from '../errors/session-response-committed.error.js';
import { SessionError } from '../errors/session.error.js';
import type { CurrentRequest, RequestWithSession } from '../request/current-request.js';
import type { RequestState } from '../request/request-state.js';
import type { SessionLifecycle } from '../request/session-lifecycle.js';
import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import { SessionWsException } from './session-ws.exception.js';

/** A handler whose client has left is followed for so long, in ms, if it has answered nothing by then. */
const LEFT_MS = 60_000;

const logger = new Logger('SessionWebSocketsModule');

/** By the client of a connection: where the message is found that the running code belongs to. */
export const currentOfClients = new WeakMap<object, CurrentRequest>();

/** One message of a socket, with a unit of work of its own in the session of the socket. */
export class SocketMessage implements RequestWithSession {
  /** Why its session could not be loaded: the guard of the gateway refuses it, where filters see that. */
  failure: unknown;

  /** Its handler has begun, and whoever follows that ends the message. */
  isFollowed = false;

  constructor(
    readonly state: RequestState,
    private readonly lifecycle: SessionLifecycle,
    private readonly onEnd: (message: SocketMessage) => void,
  ) {}

  /** Never fails. */
  begin(): MaybePromise<void> {
    const begun = this.lifecycle.begin(this.state);
    return isPromise(begun) ? begun.catch((error: unknown) => void (this.failure = error)) : undefined;
  }

  /** Waits until the message has the session for itself. */
  lock(waitMs: number): Promise<void> {
    return this.lifecycle.lock(this.state, waitMs);
  }

  /** Stores what it has changed so far. @throws (or rejects with) what refuses that */
  store(): MaybePromise<void> {
    const { lifecycle, state } = this;
    const { forgotten } = state;
    if (forgotten) return forgotten.then(() => lifecycle.commit(state));
    return lifecycle.needsCommit(state) ? lifecycle.commit(state) : undefined;
  }

  rollback(): void {
    this.lifecycle.rollback(this.state);
  }

  /** Idempotent. */
  end(): void {
    this.lifecycle.end(this.state);
    this.onEnd(this);
  }

  /** One line for each refusal, because Nest logs none. @returns the exception for the client */
  refused(error: unknown): unknown {
    const isTooLate = error instanceof SessionResponseCommittedError;
    if (!isTooLate && !(error instanceof SessionError)) return error;
    const why = isTooLate ? error.message : error.detail;
    const line = `${this.state.handler ?? 'a message'} was refused: ${error.code}: ${why}`;
    // Clients can cause it at will where they bring no session; elsewhere it is a mistake of the application.
    const isExpected = isTooLate ? !this.state.hasSession : error.getStatus() < 500;
    if (isExpected) logger.debug(line);
    else logger.error(line);
    return new SessionWsException(error);
  }
}

/**
 * Follows the handler of one message. Each value that it emits is a reply, and leaves when everything that was changed
 * by then is stored. Values that come while one is stored are stored together next; when the handler fails, those that
 * are not stored yet are dropped with what was changed. When the client leaves, a handler that has not answered yet
 * finishes, and its changes are stored; one that goes on emitting is stopped.
 */
export class MessageObserver implements Observer<unknown> {
  /** Not stored yet. */
  private replies: unknown[] = [];
  private isStoring = false;
  private isComplete = false;
  private failure: { readonly error: unknown } | undefined;
  private source: Subscription | undefined;
  private hasAnswered = false;
  private isOver = false;
  private left: NodeJS.Timeout | undefined;

  private constructor(
    private readonly message: SocketMessage,
    private readonly subscriber: Subscriber<unknown>,
  ) {}

  static follow(message: SocketMessage, handler: Observable<unknown>, subscriber: Subscriber<unknown>): void {
    const observer = new MessageObserver(message, subscriber);
    message.isFollowed = true;
    subscriber.add(() => observer.clientLeft());
    observer.source = handler.subscribe(observer);
    if (observer.isOver) observer.source.unsubscribe();
  }

  next(value: unknown): void {
    // A client that has left gets one answer of a handler, and an observable is one that may have more.
    if (this.left) this.isComplete = true;
    this.replies.push(value);
    this.work();
    if (this.hasAnswered) return;
    this.hasAnswered = true;
    // A handler that emits more may keep parts of beans between its values.
    queueMicrotask(() => this.message.state.unit?.watchAll());
  }

  error(error: unknown): void {
    this.failure = { error };
    this.work();
  }

  complete(): void {
    this.isComplete = true;
    this.work();
  }

  private work(): void {
    if (this.isStoring || this.isOver) return;
    if (this.failure) return this.fail(this.failure.error);
    if (this.replies.length === 0 && !this.isComplete) return;
    const { replies, isComplete } = this;
    this.replies = [];
    try {
      const stored = this.message.store();
      if (!isPromise(stored)) return this.stored(replies, isComplete);
      this.isStoring = true;
      stored.then(
        () => this.stored(replies, isComplete),
        (error: unknown) => this.fail(error),
      );
    } catch (error) {
      this.fail(error);
    }
  }

  private stored(replies: readonly unknown[], isComplete: boolean): void {
    this.isStoring = false;
    for (const reply of replies) this.subscriber.next(reply);
    if (!isComplete) return this.work();
    this.finish();
    this.subscriber.complete();
  }

  private fail(error: unknown): void {
    this.message.rollback();
    this.finish();
    this.subscriber.error(this.message.refused(error));
  }

  private finish(): void {
    this.isOver = true;
    clearTimeout(this.left);
    this.source?.unsubscribe();
    this.message.end();
  }

  private clientLeft(): void {
    if (this.isOver) return;
    if (this.hasAnswered) {
      this.source?.unsubscribe();
      this.complete();
    } else {
      this.left = setTimeout(() => this.error(new Error('its client has left')), LEFT_MS).unref();
    }
  }
}
