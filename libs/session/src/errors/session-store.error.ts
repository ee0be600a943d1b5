import { SessionError } from './session.error.js';

/** A call of a store that failed. */
export interface SessionStoreFailure {
  /** `name` of the store. */
  readonly store: string;

  /** The operation that failed; `epoch` is about the end of all sessions. */
  readonly operation: 'load' | 'save' | 'touch' | 'destroy' | 'lock' | 'unlock' | 'list' | 'epoch';

  /** Why, as the end of a sentence: `no answer within 750 ms`. Without any part of a session or an id. */
  readonly problem: string;

  /**
   * Whether the operation may have been applied all the same. `unknown`: it was sent, or may have been, and its answer
   * is missing. `false`: it was refused, or never sent, and it will not be applied later. A load applies nothing.
   */
  readonly applied: false | 'unknown';

  /** The driver's error, if there is one. */
  readonly cause?: unknown;
}

/**
 * The store could not be read or written. It never means that there is no session: the client keeps its cookie. The
 * answer is 503. The driver's error, if there is one, is the `cause`.
 *
 * With `applied: false` the store has the old state, and the request can be sent again: the answer carries
 * `Retry-After: 1`. With `unknown` it has the old state or the new one; the next request sees which, and a change that
 * is not to happen twice has to look first. After such a save the body says `applied: 'unknown'`, and there is no
 * `Retry-After`.
 *
 * Stores throw it, or reject with it. If a store throws anything else, it counts as unknown whether a change was
 * applied.
 *
 * @example
 * ```ts
 * @Catch(SessionStoreError)
 * export class StoreDownFilter implements ExceptionFilter {
 *   catch({ store, operation, applied, cause }: SessionStoreError, host: ArgumentsHost) {
 *     alert(`${store} failed to ${operation}`, cause);
 *     const message = applied === 'unknown' ? 'look whether it was stored' : 'nothing was stored; try again';
 *     host.switchToHttp().getResponse().status(503).send({ message });
 *   }
 * }
 *
 * throw new SessionStoreError({ store: 'redis', operation: 'save', problem: 'it is full', applied: false, cause });
 * ```
 */
export class SessionStoreError extends SessionError {
  /** `name` of the store. */
  readonly store: string;

  /** The operation that failed. */
  readonly operation: SessionStoreFailure['operation'];

  /** Whether it may have been applied all the same: see {@link SessionStoreFailure.applied}. */
  readonly applied: false | 'unknown';

  constructor({ store, operation, problem, applied, cause }: SessionStoreFailure) {
    // Only a save stores what the client has asked for.
    const mayBeStored = operation === 'save' && applied === 'unknown';
    super({
      status: 503,
      code: 'SESSION_STORE_UNAVAILABLE',
      message: 'the session store is unavailable',
      detail: `session store '${store}' could not ${operation}: ${problem}`,
      cause,
      retryAfterMs: mayBeStored ? undefined : 1_000,
      facts: { applied: mayBeStored ? 'unknown' : false },
    });
    this.store = store;
    this.operation = operation;
    this.applied = applied;
  }
}
