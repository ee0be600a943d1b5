import { SessionError } from './session.error.js';

/**
 * Which way it failed: `unstorable` state of the application, stored text that is damaged or does not fit (`undecodable`),
 * or text that a newer release of the application wrote (`newer-version`), which is sound and must not be overwritten.
 */
export type SessionStateReason = 'unstorable' | 'undecodable' | 'newer-version';

/**
 * State that cannot be stored or that cannot be read back. Names the place, e.g. `Cart.items[3].price`. The state that
 * was stored before stays as it is.
 */
export class SessionStateError extends SessionError {
  override readonly code = 'SESSION_STATE_INVALID';
  override readonly status = 500;

  /** Where, e.g. `Cart.items[3].price`. */
  readonly path: string;

  readonly reason: SessionStateReason;

  constructor(path: string, problem: string, options?: ErrorOptions & { reason?: SessionStateReason }) {
    super(`${path} ${problem}`, options);
    this.path = path;
    this.reason = options?.reason ?? 'unstorable';
  }
}
