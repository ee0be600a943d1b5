import type { Observer, Subscriber, Unsubscribable } from 'rxjs';
import { type MaybePromise, isPromise } from '../../store/maybe-promise.js';
import type { HttpLifecycle } from '../http-lifecycle.js';

/** Follows one call of a handler. Nest answers with its last value: it is passed on when it is true that it is stored. */
export class HandlerObserver implements Observer<unknown>, Unsubscribable {
  private hasValue = false;
  private value: unknown;
  private hasEnded = false;

  constructor(
    private readonly request: HttpLifecycle,
    private readonly response: { readonly statusCode: number },
    private readonly subscriber: Subscriber<unknown>,
  ) {}

  next(value: unknown): void {
    if (this.hasValue) this.subscriber.next(this.value);
    this.hasValue = true;
    this.value = value;
  }

  error(error: unknown): void {
    const { subscriber } = this;
    const stored = this.end(undefined, error);
    if (isPromise(stored))
      stored.then(
        () => subscriber.error(error),
        (failure: unknown) => subscriber.error(failure),
      );
    else subscriber.error(error);
  }

  complete(): void {
    const stored = this.end(this.status());
    if (!isPromise(stored)) return this.answer();
    stored.then(
      () => this.answer(),
      (failure: unknown) => this.subscriber.error(failure),
    );
  }

  /** Nobody waits for the handler any more: the client is gone, or an outer interceptor gave it up. */
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

  /** A web `Response` brings its own; without any value Nest answers with an error. */
  private status(): number | undefined {
    if (!this.hasValue) return undefined;
    return this.value instanceof Response ? this.value.status : this.response.statusCode;
  }
}
