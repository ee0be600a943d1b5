import { SessionError } from './session.error.js';

/** Boot: a class that cannot be a session-scoped bean, or is not registered as one. Names the class and the fix. */
export class SessionBeanError extends SessionError {
  override readonly code = 'SESSION_BEAN';
  override readonly status = 500;
}
