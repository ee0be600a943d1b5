import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { UnexpectedSessionError } from './unexpected-session.error.js';

/** The texts and facts of a session error; each says for whom it is. */
export interface SessionErrorText {
  /** The HTTP status that the request is answered with, unless an exception filter decides otherwise. */
  readonly status: number;

  readonly code: string;

  /** For anybody, clients too: filters and GraphQL servers send it to them. */
  readonly message: string;

  /** For operators. */
  readonly detail: string;

  readonly cause?: unknown;

  readonly retryAfterMs?: number | undefined;

  /** More fields of the body. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/**
 * Base of the errors with which a request is refused, though nobody has made a mistake: its session has changed or
 * ended meanwhile, the store is down, a login is missing. Each is one of Nest's `HttpException`s, so filters, GraphQL
 * and error trackers treat it as the expected answer that it is. The body is
 * `{ statusCode: 409, message: 'Conflict', code: 'SESSION_CONFLICT' }`; scripts go by the `code`.
 *
 * Nest logs no `HttpException`. The package writes one line for each, with `code` and `detail`: at the level `error`
 * from status 500 on, at `debug` for the others, which clients can cause at will.
 *
 * No text contains a session id. Where one must tell one session from another, it has 8 characters of its key, which
 * open nothing. Mistakes of the application, and damaged data, are an {@link UnexpectedSessionError}.
 *
 * @example
 * ```ts
 * try {
 *   await this.session.flush();
 * } catch (error) {
 *   if (error instanceof SessionError) logger.warn(`${error.code}: ${error.detail}`);
 *   throw error;
 * }
 * ```
 */
export abstract class SessionError extends HttpException {
  /** For programs: it stays the same when the texts change. `SESSION_CONFLICT`, `SESSION_STORE_UNAVAILABLE`, ... */
  readonly code: string;

  /** For operators: the bean and the field, or the store, and what to do. It stays on the server. */
  readonly detail: string;

  /**
   * After how long the client may send the request again, in ms: the answer carries it as `Retry-After`. Undefined
   * where time does not help, and where the change may have been stored.
   */
  readonly retryAfterMs: number | undefined;

  constructor({ status, code, message, detail, cause, retryAfterMs, facts }: SessionErrorText) {
    super({ statusCode: status, message: STATUS_CODES[status], code, ...facts }, status, { cause });
    this.message = message;
    this.code = code;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The facts for clients of GraphQL: those of the body, and the status for servers that answer with one of an error. */
export function graphqlExtensions(error: SessionError): Readonly<Record<string, unknown>> {
  const { statusCode: status, message: _, ...facts } = error.getResponse() as Record<string, unknown>;
  return { ...facts, status, http: { status } };
}

/**
 * The error as a GraphQL resolver throws it: GraphQL copies `extensions` into its answer, and Mercurius answers with
 * `statusCode`. Errors of any other kind stay what they are.
 */
export function graphqlError(error: unknown): unknown {
  if (!(error instanceof SessionError)) return error;
  const { statusCode, ...response } = error.getResponse() as Record<string, unknown>;
  if (statusCode === undefined) return error;
  // Nest's Apollo driver gives an error whose body has a `statusCode` a code by the status, in place of ours.
  return Object.assign(ownError(error) as SessionError, { extensions: graphqlExtensions(error), response, statusCode });
}

/**
 * One failure may refuse several requests: each gets a copy, because exception filters and reporters write on errors
 * (the user, a request id, that it was reported). Other errors are the application's, and stay what they are.
 */
export function ownError(error: unknown): unknown {
  if (!(error instanceof SessionError || error instanceof UnexpectedSessionError)) return error;
  // Copied onto a native error, so that it is one, too.
  const own = Object.defineProperties(new Error(error.message), Object.getOwnPropertyDescriptors(error));
  own.stack = error.stack;
  if (error instanceof SessionError) Object.assign(own, { response: { ...(error.getResponse() as object) } });
  return Object.setPrototypeOf(own, Object.getPrototypeOf(error) as object);
}
