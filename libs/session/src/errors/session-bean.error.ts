import { SessionBootError } from './session-boot.error.js';

/** Boot: a class that cannot be a session-scoped bean, or is not registered as one. Names the class and the fix. */
export class SessionBeanError extends SessionBootError {
  override readonly code = 'SESSION_BEAN_INVALID';
}
