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
