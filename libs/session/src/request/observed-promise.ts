/**
 * A promise that knows whether anybody waits for it. It never counts as unhandled: code that forgot an `await` must not
 * end the process, and everybody's requests with it.
 */
export class ObservedPromise<T> extends Promise<T> {
  /** Results of `then` are plain promises. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  private observed = false;

  static of<T>(promise: Promise<T>): ObservedPromise<T> {
    const observed = new ObservedPromise<T>((resolve, reject) => void promise.then(resolve, reject));
    void observed.unobserved(NOTHING, NOTHING);
    return observed;
  }

  /** Somebody has called `then`, which `await` does, too. */
  get isObserved(): boolean {
    return this.observed;
  }

  /** Waits for it without counting as somebody who does. */
  unobserved(onFulfilled: () => void, onFailure: (error: unknown) => void): Promise<void> {
    return super.then(onFulfilled, onFailure);
  }

  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.observed = true;
    return super.then(onFulfilled, onRejected);
  }
}

const NOTHING = (): void => undefined;
