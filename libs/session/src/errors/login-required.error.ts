import { SessionError } from './session.error.js';

/**
 * A handler marked `@RequireLogin()` was called without a user who is logged in (`anonymous`), or with one whose login
 * is longer ago than `maxAgeMs` (`too-old`). The handler did not run. The answer is 401.
 *
 * @example
 * ```ts
 * @Catch(LoginRequiredError)
 * export class LoginFilter implements ExceptionFilter {
 *   catch({ reason }: LoginRequiredError, host: ArgumentsHost) {
 *     host.switchToHttp().getResponse().redirect(reason === 'too-old' ? '/confirm-password' : '/login');
 *   }
 * }
 * ```
 */
export class LoginRequiredError extends SessionError {
  constructor(
    readonly reason: 'anonymous' | 'too-old',
    /** How long ago the login may be, in ms; undefined where that does not matter. */
    readonly maxAgeMs: number | undefined,
  ) {
    super({
      status: 401,
      code: 'SESSION_LOGIN_REQUIRED',
      message: 'a login is required',
      detail:
        reason === 'anonymous'
          ? 'nobody is logged in to the session of this request'
          : `the login of this session is longer ago than ${maxAgeMs} ms: the user has to log in again`,
    });
  }
}
