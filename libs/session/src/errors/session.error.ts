/**
 * Base of all errors that this package throws. It has the shape of an `http-errors` error, so Nest's default exception
 * filter answers with `status`, on Express and on Fastify. `expose` is false, so the text stays on the server.
 *
 * A message never contains a session id. Where it must tell one session from another, it has 8 characters of its key,
 * which open nothing.
 *
 * @example
 * ```ts
 * try {
 *   await this.session.flush();
 * } catch (error) {
 *   if (error instanceof SessionError) logger.warn(`${error.code}: ${error.message}`);
 *   throw error;
 * }
 * ```
 */
export abstract class SessionError extends Error {
  /** For programs: it stays the same when the text changes. `SESSION_CONFLICT`, `SESSION_STORE_UNAVAILABLE`, ... */
  abstract readonly code: string;

  /** The HTTP status that the request is answered with, unless an exception filter decides otherwise. */
  abstract readonly status: number;

  /**
   * After how long the client may send the request again, in ms: the answer carries it as `Retry-After`. Undefined
   * where time does not help.
   */
  readonly retryAfterMs: number | undefined;

  /** The text is for operators, not for clients. */
  readonly expose = false;

  /** Same as `status`: the `http-errors` shape has both. */
  get statusCode(): number {
    return this.status;
  }

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * One failure may refuse several requests: each gets a copy, because exception filters and reporters write on errors
 * (the user, a request id, that it was reported). Other errors are the application's, and stay what they are.
 */
export function ownError(error: unknown): unknown {
  if (!(error instanceof SessionError)) return error;
  // Copied onto a native error, so that it is one, too.
  const own = Object.defineProperties(new Error(error.message), Object.getOwnPropertyDescriptors(error));
  own.stack = error.stack;
  return Object.setPrototypeOf(own, Object.getPrototypeOf(error) as object);
}
