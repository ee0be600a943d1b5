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

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.observed = true;
    return super.then(onFulfilled, onRejected);
  }
}

/** The promises that a handler has got from its session. The response waits for them, so that none is forgotten. */
export class KeptPromises {
  /** Those that have not settled, or have failed. */
  private readonly promises = new Set<ObservedPromise<unknown>>();

  /** Runs `work` for the handler. @returns the promise for the handler */
  keep<T>(work: () => Promise<T>): Promise<T> {
    const promise = ObservedPromise.of(work());
    this.promises.add(promise);
    // One that has failed stays: the handler may wait for it later.
    void promise.unobserved(() => void this.promises.delete(promise), NOTHING);
    return promise;
  }

  /**
   * Settles when those promises have that nobody waits for; undefined if there are none. Rejects with the failure of
   * one. The others are left to their callers, who may be waiting for the response in turn.
   */
  get forgotten(): Promise<void> | undefined {
    const forgotten = Array.from(this.promises).filter((promise) => !promise.isObserved);
    return forgotten.length === 0 ? undefined : this.settle(forgotten);
  }

  /** More than one may do so at a time: the end of the handler and the first byte. */
  private async settle(forgotten: readonly ObservedPromise<unknown>[]): Promise<void> {
    for (const promise of forgotten) {
      await promise.unobserved(NOTHING, (error) => {
        this.promises.delete(promise);
        if (!promise.isObserved) throw error;
      });
    }
  }
}

const NOTHING = (): void => undefined;
