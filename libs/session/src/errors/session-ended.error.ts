import { SessionError } from './session.error.js';

/**
 * Why a session ended: `logout` and `invalidated` by `HttpSession`; `revoked` by `SessionRegistry`; `limit`, when its
 * user has logged in elsewhere more often than `principalLimit` allows; `login`, when another principal logged in to
 * it; `expired`, where the store tells of that; `lost`, when all servers that had a copy have lost it. More may come.
 */
export type SessionEndReason =
  | 'logout'
  | 'invalidated'
  | 'revoked'
  | 'limit'
  | 'login'
  | 'expired'
  | 'lost'
  | (string & {});

/**
 * The session ended while this request ran: by a logout, by a new id that another request gave it, or because it
 * expired. Thrown when the request is committed and has changes; they were not stored, and a request that only reads is
 * answered as usual. The answer is 409: the client may send the request again with the id that it has by then. It also
 * is the reason of `HttpSession.signal`.
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
  /** @param reason where this server knows it: a session that another server has ended is only found gone */
  constructor(readonly reason?: SessionEndReason) {
    super({
      status: 409,
      code: 'SESSION_ENDED',
      message: 'the session has ended',
      detail: 'the session ended while this request ran (logout, new id or expiry); its changes were not stored',
    });
  }
}
