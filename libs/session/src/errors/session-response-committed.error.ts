import { UnexpectedSessionError } from './unexpected-session.error.js';

/**
 * A session was used too late in its request. Either the response was sent already, or its head was, and a session that
 * would have to start, or to get a new id, could not send its cookie any more. The changes were not stored. Where an
 * answer is still possible, it is 500.
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
  override readonly code = 'SESSION_RESPONSE_COMMITTED';
}
