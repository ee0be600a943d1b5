import { SessionError } from './session.error.js';

/**
 * The client presented several ids where it should present one, and nobody can tell which session it means: ids of more
 * than one session that lives, more than three ids, or a header or address with two. One of them may have been planted.
 * Thrown when the request has something to store, or logs out; nothing was stored and no cookie was sent. The answer is
 * 400. A request that only reads is answered as for a client without a session; a login begins a session of its own.
 *
 * @example
 * ```ts
 * @Catch(SessionAmbiguousError)
 * export class AmbiguousFilter implements ExceptionFilter {
 *   catch(_error: SessionAmbiguousError, host: ArgumentsHost) {
 *     host.switchToHttp().getResponse().status(400).send({ message: 'please delete the cookies of this site' });
 *   }
 * }
 * ```
 */
export class SessionAmbiguousError extends SessionError {
  constructor() {
    super({
      status: 400,
      code: 'SESSION_AMBIGUOUS',
      message: 'several sessions were presented',
      detail:
        'the client presents the ids of several sessions, and nobody can tell which one it means; nothing was ' +
        'stored. Look for a second cookie of this name, of another path or domain; over TLS the prefix __Host- rules ' +
        'it out',
    });
  }
}
