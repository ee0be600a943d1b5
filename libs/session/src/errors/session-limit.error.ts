import { SessionError } from './session.error.js';

/**
 * A login was refused because its principal has as many sessions as `principalLimit.max` allows, and
 * `principalLimit.onExceeded` is `reject`. Nothing of the request was stored: nobody is logged in by it, and a session
 * that it had goes on as before. The answer is 403. The user has to log out elsewhere, or wait until a session there
 * expires.
 *
 * @example
 * ```ts
 * @Catch(SessionLimitError)
 * export class LimitFilter implements ExceptionFilter {
 *   catch(_error: SessionLimitError, host: ArgumentsHost) {
 *     host.switchToHttp().getResponse().status(403).send({ message: 'you are logged in on too many devices' });
 *   }
 * }
 * ```
 */
export class SessionLimitError extends SessionError {
  constructor() {
    super({
      status: 403,
      code: 'SESSION_LIMIT_REACHED',
      message: 'too many sessions of this user',
      detail:
        'the user has as many sessions as principalLimit.max allows: the login was refused, and nothing was stored ' +
        "(with onExceeded: 'end-least-recent' it would end the oldest one)",
    });
  }
}
