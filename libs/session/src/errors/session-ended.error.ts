import { SessionError } from './session.error.js';

/** The session ended (logout, renewal of its id, expiry) while this request ran; its changes were not stored. */
export class SessionEndedError extends SessionError {
  override readonly code = 'SESSION_ENDED';
  override readonly status = 409;

  constructor() {
    super('the session ended while this request ran (logout, new id or expiry); its changes were not stored');
  }
}
