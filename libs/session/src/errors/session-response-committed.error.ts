import { SessionError } from './session.error.js';

/** Too late: the response (and with it the cookie and the state) is already on its way to the client. */
export class SessionResponseCommittedError extends SessionError {
  override readonly code = 'SESSION_RESPONSE_COMMITTED';
  override readonly status = 500;
}
