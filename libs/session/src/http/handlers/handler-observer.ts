import type { Observable, Observer, Subscriber, Unsubscribable } from 'rxjs';
import { type MaybePromise, isPromise } from '../../store/maybe-promise.js';
import type { HttpLifecycle } from '../http-lifecycle.js';

/**
 * Follows the observable of one handler. Nest answers with its last value, so that value is passed on only when the
 * handler's changes are stored.
 */
export class HandlerObserver implements Observer<unknown>, Unsubscribable {
  private hasValue = false;
  private value: unknown;
  private hasEnded = false;

  private constructor(
    private readonly request: HttpLifecycle,
    private readonly subscriber: Subscriber<unknown>,
  ) {}

  /** Passes what a handler emits on to a subscriber. */
  static follow(request: HttpLifecycle, handler: Observable<unknown>, subscriber: Subscriber<unknown>): void {
    const observer = new HandlerObserver(request, subscriber);
    subscriber.add(observer);
    subscriber.add(handler.subscribe(observer));
  }

  next(value: unknown): void {
    if (this.hasValue) this.subscriber.next(this.value);
    this.hasValue = true;
    this.value = value;
  }

  error(error: unknown): void {
    const { subscriber } = this;
    const stored = this.end(undefined, error);
    if (!isPromise(stored)) return subscriber.error(error);
    stored.then(
      () => subscriber.error(error),
      (failure: unknown) => subscriber.error(failure),
    );
  }

  complete(): void {
    const stored = this.end(this.status());
    if (!isPromise(stored)) return this.answer();
    stored.then(
      () => this.answer(),
      (failure: unknown) => this.subscriber.error(failure),
    );
  }

  /** The client is gone, or an outer interceptor gave the handler up. */
  unsubscribe(): void {
    if (!this.hasEnded) void this.end(undefined);
  }

  private end(status: number | undefined, error?: unknown): MaybePromise<void> {
    this.hasEnded = true;
    return this.request.handlerEnded(status, error);
  }

  private answer(): void {
    if (this.hasValue) this.subscriber.next(this.value);
    this.subscriber.complete();
  }

  /** A web `Response` has its own status. Without any value Nest answers with an error. */
  private status(): number | undefined {
    if (!this.hasValue) return undefined;
    return this.value instanceof Response ? this.value.status : this.request.statusCode;
  }
}
