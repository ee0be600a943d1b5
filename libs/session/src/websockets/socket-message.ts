import { Logger } from '@nestjs/common';
import type { Observable, Observer, Subscriber, Subscription } from 'rxjs';
import { SessionError } from '../errors/session.error.js';
import type { CurrentRequest, RequestWithSession } from '../request/current-request.js';
import type { RequestState } from '../request/request-state.js';
import type { SessionLifecycle } from '../request/session-lifecycle.js';
import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import { wsExceptionOf } from './session-ws.exception.js';

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
    if (!(error instanceof SessionError)) return error;
    const line = `${this.state.handler ?? 'a message'} was refused: ${error.code}: ${error.detail}`;
    if (error.getStatus() >= 500) logger.error(line);
    else logger.debug(line);
    return wsExceptionOf(error);
  }
}

/**
 * Follows the handler of one message. Each value that it emits is a reply, and leaves when everything that was changed
 * by then is stored. When the client leaves, a handler that has not answered yet finishes, and its changes are stored;
 * one that goes on emitting is stopped.
 */
export class MessageObserver implements Observer<unknown> {
  /** Commits and replies, one after the other; undefined while there is nothing to wait for. */
  private turn: Promise<void> | undefined;
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
    const { message, subscriber } = this;
    this.afterStored(() => {
      subscriber.next(value);
      if (this.left) this.finish();
    });
    if (this.hasAnswered) return;
    this.hasAnswered = true;
    // A handler that emits more may keep parts of beans between its values.
    queueMicrotask(() => message.state.unit?.watchAll());
  }

  error(error: unknown): void {
    if (this.turn) void this.turn.then(() => this.fail(error));
    else this.fail(error);
  }

  complete(): void {
    this.afterStored(() => {
      this.finish();
      this.subscriber.complete();
    });
  }

  private afterStored(then: () => void): void {
    if (this.turn) {
      this.turn = this.turn.then(() => this.stored(this.message.store(), then)).catch((error) => this.fail(error));
      return;
    }
    try {
      const stored = this.stored(this.message.store(), then);
      if (isPromise(stored)) this.turn = stored.catch((error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  private stored(stored: MaybePromise<void>, then: () => void): MaybePromise<void> {
    if (this.isOver) return undefined;
    return isPromise(stored) ? stored.then(() => (this.isOver ? undefined : then())) : then();
  }

  private fail(error: unknown): void {
    if (this.isOver) return;
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
    if (!this.hasAnswered) {
      this.left = setTimeout(() => this.fail(new Error('its client has left')), LEFT_MS).unref();
      return;
    }
    this.source?.unsubscribe();
    this.afterStored(() => this.finish());
  }
}
