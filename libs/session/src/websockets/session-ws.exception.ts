import { WsException } from '@nestjs/websockets';
import type { SessionResponseCommittedError } from '../errors/session-response-committed.error.js';
import { SessionError } from '../errors/session.error.js';

/**
 * A message was refused because of its session: another one has changed the same field (`SESSION_CONFLICT`), the
 * session has ended (`SESSION_ENDED`), the store is down (`SESSION_STORE_UNAVAILABLE`), the connection has no session
 * and would start one (`SESSION_RESPONSE_COMMITTED`), and what else a `SessionError` says. Nothing that the message has
 * changed since its last reply is stored. Nest sends the client the event `exception` with
 * `{ status: 'error', code, message }`; an exception filter can send something else.
 *
 * @example
 * ```ts
 * @Catch(SessionWsException)
 * export class ConflictFilter extends BaseWsExceptionFilter {
 *   override catch(exception: SessionWsException, host: ArgumentsHost): void {
 *     if (exception.code === 'SESSION_CONFLICT') host.switchToWs().getClient<Socket>().emit('try-again');
 *     else super.catch(exception, host);
 *   }
 * }
 * ```
 */
export class SessionWsException extends WsException {
  /** For programs, as that of the `SessionError`. */
  readonly code: string;

  /** @param cause the error of the session, with what operators need to know */
  constructor(override readonly cause: SessionError | SessionResponseCommittedError) {
    const { code } = cause;
    const message = cause instanceof SessionError ? cause.message : 'a message cannot start a session or renew its id';
    super({ status: 'error', code, message });
    this.code = code;
  }
}
