/** The docs are in the package, so this names a file that fits the installed release. Each code has an anchor in it. */
const PAGE = 'nestjs-session-beans/docs/errors.md';

/**
 * Base of the errors that nobody should see in production: the application uses sessions where or in a way that cannot
 * work, its configuration cannot work, or stored data is damaged. No `HttpException`: Nest answers 500 without a text,
 * logs it with its stack, and error trackers report it.
 *
 * A message never contains a session id. Logs show the stack, which names the page that explains the error; the message
 * does not, because GraphQL servers send it to clients.
 *
 * @example
 * ```
 * SessionStateError: Cart.items[3].price is a function; write it as a method of the class, or mark it @Transient()
 * ```
 */
export abstract class UnexpectedSessionError extends Error {
  /**
   * @param code for programs: it stays the same when the text changes. `SESSION_STATE_INVALID`, ...
   * @param stackTrace `false` leaves out where the error was made
   */
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
    stackTrace = true,
  ) {
    super(message, options);
    this.name = new.target.name;
    const frames = stackTrace ? /(?:\n {4}at .*)+$/.exec(this.stack ?? '')?.[0] : undefined;
    this.stack = `${this.name}: ${message}\n    see ${PAGE}#${code.toLowerCase()}${frames ?? ''}`;
  }
}
