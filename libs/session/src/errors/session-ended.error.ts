import { SessionError } from './session.error.js';

/**
 * The session ended while this request ran: by a logout, by a new id that another request gave it, or because it
 * expired. Thrown when the request is committed and has changes; they were not stored, and a request that only reads is
 * answered as usual. The answer is 409: the client may send the request again with the id that it has by then.
 *
 * @example
 * ```ts
 * @Catch(SessionEndedError)
 * export class EndedFilter implements ExceptionFilter {
 *   catch(_error: SessionEndedError, host: ArgumentsHost) {
 *     host.switchToHttp().getResponse().redirect('/login');
 *   }
 * }
 * ```
 */
export class SessionEndedError extends SessionError {
  constructor() {
    super({
      status: 409,
      code: 'SESSION_ENDED',
      message: 'the session has ended',
      detail: 'the session ended while this request ran (logout, new id or expiry); its changes were not stored',
    });
  }
}
