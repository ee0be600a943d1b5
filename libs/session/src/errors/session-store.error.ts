import { SessionError } from './session.error.js';

/**
 * The store could not be read or written. It never means that there is no session: the client keeps its cookie. The
 * answer is 503 with `Retry-After: 1`. The driver's error, if there is one, is the `cause`.
 *
 * After a failed `save` the store has either the old state or the new one; the next request sees which.
 *
 * @example
 * ```ts
 * @Catch(SessionStoreError)
 * export class StoreDownFilter implements ExceptionFilter {
 *   catch({ store, operation, cause }: SessionStoreError, host: ArgumentsHost) {
 *     alert(`${store} failed to ${operation}`, cause);
 *     host.switchToHttp().getResponse().status(503).send({ message: 'back in a minute' });
 *   }
 * }
 * ```
 */
export class SessionStoreError extends SessionError {
  override readonly code = 'SESSION_STORE_UNAVAILABLE';
  override readonly status = 503;

  constructor(
    /** `name` of the store. */
    readonly store: string,
    /** The operation that failed. */
    readonly operation: 'load' | 'save' | 'touch' | 'destroy' | 'lock' | 'unlock',
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`session store '${store}' could not ${operation}: ${problem}`, options);
  }
}
