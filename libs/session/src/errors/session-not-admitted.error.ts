import { SessionError } from './session.error.js';

/**
 * A request without a login would have started a session, and the option `admission` refused that: the client has
 * started too many within the second (`rate`), or `admission.admit` said no (`hook`). Nothing was stored, and the
 * client got no cookie. The answer is 429 with `Retry-After`.
 *
 * @example
 * ```ts
 * @Catch(SessionNotAdmittedError)
 * export class CrowdFilter implements ExceptionFilter {
 *   catch({ retryAfterMs }: SessionNotAdmittedError, host: ArgumentsHost) {
 *     host.switchToHttp().getResponse().status(429).send({ message: 'too many visitors', retryAfterMs });
 *   }
 * }
 * ```
 */
export class SessionNotAdmittedError extends SessionError {
  constructor(
    readonly reason: 'rate' | 'hook',
    retryAfterMs: number,
  ) {
    super({
      status: 429,
      code: 'SESSION_NOT_ADMITTED',
      message: 'too many new sessions',
      detail:
        reason === 'rate'
          ? 'this client has started as many sessions as admission.perClientPerSecond allows: none was started'
          : 'admission.admit refused a new session: none was started',
      retryAfterMs,
    });
  }
}
