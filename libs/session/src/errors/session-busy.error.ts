import { SessionError } from './session.error.js';

/**
 * Too many requests want one session at the same time: this one has waited too long for the lock, or has lost it, or
 * other servers changed the session at each attempt to store. Nothing of this commit was stored, and the request may be
 * sent again. The answer is 503 with `Retry-After: 1`.
 *
 * @example
 * ```ts
 * @Catch(SessionBusyError)
 * export class BusyFilter implements ExceptionFilter {
 *   catch(_error: SessionBusyError, host: ArgumentsHost) {
 *     host.switchToHttp().getResponse().status(429).send({ message: 'one click is enough' });
 *   }
 * }
 * ```
 */
export class SessionBusyError extends SessionError {
  constructor(detail: string) {
    super({ status: 503, code: 'SESSION_BUSY', message: 'the session is busy', detail, retryAfterMs: 1_000 });
  }
}
