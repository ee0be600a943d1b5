/**
 * Base of the errors that nobody should see in production: the application uses sessions where or in a way that cannot
 * work, its configuration cannot work, or stored data is damaged. No `HttpException`: Nest answers 500 without a text,
 * logs it with its stack, and error trackers report it.
 *
 * A message never contains a session id.
 *
 * @example
 * ```
 * SessionStateError: Cart.items[3].price is a function; write it as a method of the class, or mark it @Transient()
 * ```
 */
export abstract class UnexpectedSessionError extends Error {
  /** For programs: it stays the same when the text changes. `SESSION_STATE_INVALID`, ... */
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
