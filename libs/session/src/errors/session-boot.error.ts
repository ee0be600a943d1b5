import { SessionError } from './session.error.js';

/**
 * Base of the errors that stop an application from booting. What is wrong is in the configuration, so the message is all there is to
 * say: Nest prints the stack of such an error, and forty lines of it would hide the one that matters.
 */
export abstract class SessionBootError extends SessionError {
  override readonly status = 500;

  constructor(message: string) {
    super(message);
    this.stack = `${this.name}: ${message}`;
  }
}
