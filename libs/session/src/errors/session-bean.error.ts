import { SessionBootError } from './session-boot.error.js';

/**
 * A class cannot be a session-scoped bean, or is not registered as one. Thrown while the application boots; the message
 * names the class and the fix. It is also thrown at a first access, when the module of a bean was loaded too late.
 *
 * @example
 * ```
 * SessionBeanError: Cart extends Map, whose content cannot be stored: keep a Map in a property instead
 * ```
 */
export class SessionBeanError extends SessionBootError {
  declare readonly code: 'SESSION_BEAN_INVALID';

  constructor(message: string, options?: ErrorOptions) {
    super('SESSION_BEAN_INVALID', message, options);
  }
}
