import { UnexpectedSessionError } from './unexpected-session.error.js';

/**
 * A session was used too late in its request. Either the response was sent already, or its head was, and a session that
 * would have to start, or to get a new id, could not send its cookie any more; or there is no response at all, in the
 * work of `SessionContext.run()`. The changes were not stored. Where an answer is still possible, it is 500.
 *
 * @example
 * ```ts
 * @Get() download(@Res() response: Response) {
 *   response.write('first line');
 *   this.counter.countUp(); // throws when there is no session yet: use the bean before the first byte
 * }
 * ```
 */
export class SessionResponseCommittedError extends UnexpectedSessionError {
  declare readonly code: 'SESSION_RESPONSE_COMMITTED';

  constructor(message: string) {
    super('SESSION_RESPONSE_COMMITTED', message);
  }

  /** @internal */
  static afterResponse(subject: string): SessionResponseCommittedError {
    return new this(
      `${subject} was used after the response was sent: finish the work before the handler returns, ` +
        'or do it in a request of its own',
    );
  }

  /** @internal */
  static afterWork(subject: string): SessionResponseCommittedError {
    return new this(
      `${subject} was used after the work of SessionContext.run() was over: return a promise that settles when all ` +
        'of it is done',
    );
  }

  /** @internal */
  static withoutResponse(subject: string): SessionResponseCommittedError {
    return new this(
      `${subject} needs a new session id, but the work of SessionContext.run() has no response that could bring it ` +
        'to the client: do it in an HTTP handler',
    );
  }

  /** @internal */
  static afterHead(subject: string): SessionResponseCommittedError {
    return new this(
      `${subject} would start a session, but the head of the response is already sent ` +
        'and no cookie can go with it: touch it before the first byte',
    );
  }
}
