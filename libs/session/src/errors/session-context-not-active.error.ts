import { SessionError } from './session.error.js';

/** A bean or the `HttpSession` was used where no session is active: at boot, in a timer, in a handler that loads none. */
export class SessionContextNotActiveError extends SessionError {
  override readonly code = 'SESSION_CONTEXT_NOT_ACTIVE';
  override readonly status = 500;

  /** @param subject what was used, e.g. `Counter.value` */
  constructor(subject: string, reason: string) {
    super(`${subject} was used ${reason}`);
  }
}
