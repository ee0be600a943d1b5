import { SessionError } from './session.error.js';

/**
 * The store could not be read or written. Never means "no session": the client's cookie stays untouched and the request
 * is answered with 503. The error of the driver is the `cause`.
 */
export class SessionStoreError extends SessionError {
  override readonly code = 'SESSION_STORE_UNAVAILABLE';
  override readonly status = 503;

  constructor(
    /** `name` of the store. */
    readonly store: string,
    /** What was asked of it. */
    readonly operation: 'load' | 'save' | 'touch' | 'destroy' | 'lock' | 'unlock',
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`session store '${store}' could not ${operation}: ${problem}`, options);
  }
}
