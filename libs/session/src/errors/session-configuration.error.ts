import { SessionBootError } from './session-boot.error.js';

/**
 * An option cannot work. Thrown while the application boots, or where a decorator is applied; the message names the
 * option, the given value and the allowed ones. A function of the option `admission` is found out only when it is
 * called: then the request is answered with 500.
 *
 * @example
 * ```
 * SessionConfigurationError: SessionModule option maxSessionBytes = 0: allowed is a whole number of bytes from 256
 * ```
 */
export class SessionConfigurationError extends SessionBootError {
  declare readonly code: 'SESSION_CONFIGURATION_INVALID';

  constructor(message: string, options?: ErrorOptions) {
    super('SESSION_CONFIGURATION_INVALID', message, options);
  }
}
