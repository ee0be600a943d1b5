import { UnexpectedSessionError } from './unexpected-session.error.js';

/**
 * Base of the errors that stop an application from booting: `SessionBeanError` and `SessionConfigurationError`. The
 * cause is in the configuration or in a class, which the message names. There is no stack trace: Nest prints it, and
 * forty lines of it would hide the one line that matters.
 */
export abstract class SessionBootError extends UnexpectedSessionError {
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, message, options, false);
  }
}
