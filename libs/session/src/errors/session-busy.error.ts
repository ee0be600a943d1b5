import { SessionError } from './session.error.js';

/** Too many requests wait for, or collide on, one session. Nothing of this request was stored. */
export class SessionBusyError extends SessionError {
  override readonly code = 'SESSION_BUSY';
  override readonly status = 503;
}
