import { UnexpectedSessionError } from './unexpected-session.error.js';

/**
 * The kind of failure. `unstorable`: the application's state cannot be stored. `undecodable`: stored text is damaged or
 * does not fit the class. `newer-version`: a newer release of the application wrote the text, which is sound and must
 * not be overwritten. `other-key`: the same for a text that the option `encryptionKeys` of this server does not open.
 */
export type SessionStateReason = 'unstorable' | 'undecodable' | 'newer-version' | 'other-key';

/**
 * State cannot be stored, or cannot be read back. The message names the place, e.g. `Cart.items[3].price`, and the fix.
 * The state that was stored before stays as it is. The answer is 500.
 *
 * State is read at the first access of a request to a bean, and stored when the request is committed: at its end, or by
 * `HttpSession.flush()`. Methods of `HttpSession` throw this error for arguments that they cannot store.
 *
 * @example
 * ```
 * SessionStateError: Cart.items[3].price is a function; write it as a method of the class, or mark it @Transient()
 * ```
 */
export class SessionStateError extends UnexpectedSessionError {
  declare readonly code: 'SESSION_STATE_INVALID';

  /** The place that cannot be stored or read, e.g. `Cart.items[3].price`. */
  readonly path: string;

  readonly reason: SessionStateReason;

  constructor(path: string, problem: string, options?: ErrorOptions & { reason?: SessionStateReason }) {
    super('SESSION_STATE_INVALID', `${path} ${problem}`, options);
    this.path = path;
    this.reason = options?.reason ?? 'unstorable';
  }
}
