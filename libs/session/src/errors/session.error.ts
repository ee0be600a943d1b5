/**
 * Base of everything this package throws. It has the shape of an `http-errors` error, so the default exception filter of
 * Nest answers with `status` on Express and on Fastify; `expose` is false, so the text stays on the server.
 *
 * A session id never stands in the message: where a session has to be told from others, its 8-character hash does.
 */
export abstract class SessionError extends Error {
  /** Stable, for programs: `SESSION_CONFLICT`, `SESSION_STORE_UNAVAILABLE`, ... */
  abstract readonly code: string;

  /** The HTTP status the error stands for. */
  abstract readonly status: number;

  /** The text is for operators, not for clients. */
  readonly expose = false;

  /** Same as `status`: the http-errors shape has both. */
  get statusCode(): number {
    return this.status;
  }

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
