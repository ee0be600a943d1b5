/**
 * A value, or a promise of it. A store in this process has its answer at once, and a promise would cost a request more
 * than the answer does.
 *
 * @example
 * ```ts
 * const answer = store.load(key);
 * return isPromise(answer) ? answer.then((result) => use(result)) : use(answer);
 * ```
 */
export type MaybePromise<T> = T | Promise<T>;

/** Whether a value has to be waited for. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Continues with a value: now if it is there, later if it is a promise. A rejection skips `next`. */
export function andThen<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** The result of `work`; `failed` gets what it throws or rejects with, and gives the result instead or throws. */
export function orElse<T>(work: () => MaybePromise<T>, failed: (error: unknown) => MaybePromise<T>): MaybePromise<T> {
  let result: MaybePromise<T>;
  try {
    result = work();
  } catch (error) {
    return failed(error);
  }
  return isPromise(result) ? result.catch(failed) : result;
}
