import { UnexpectedSessionError } from './unexpected-session.error.js';

/**
 * A bean or the `HttpSession` was used where no session is active: at boot, in a timer, in middleware, or in a handler
 * for which no session is loaded. The message names what was used and the fix. The answer, if there is a request at
 * all, is 500.
 *
 * @example
 * ```ts
 * setInterval(() => this.cart.items, 1000); // throws: a timer belongs to no request
 * ```
 */
export class SessionContextNotActiveError extends UnexpectedSessionError {
  declare readonly code: 'SESSION_CONTEXT_NOT_ACTIVE';

  /**
   * @param subject the member that was used, e.g. `Counter.value`
   * @param reason where that was, and what to do instead
   */
  constructor(subject: string, reason: string) {
    super('SESSION_CONTEXT_NOT_ACTIVE', `${subject} was used ${reason}`);
  }

  /** @internal */
  static beforeLoad(subject: string): SessionContextNotActiveError {
    return new this(
      subject,
      'before the session was loaded, which happens right before the guards: in middleware, call ' +
        'await session.load() first. In an exception filter where no route was reached, ask HttpSession.exists',
    );
  }

  /** @internal */
  static inHandler(subject: string, handler: string): SessionContextNotActiveError {
    return new this(
      subject,
      `in ${handler}, for which no session was loaded: nothing it depends on leads to a session-scoped bean, or it ` +
        'has @SkipSession(). Inject the bean there, or put @UseSession() on the handler',
    );
  }

  /** @internal */
  static withoutRequest(subject: string, handler: string): SessionContextNotActiveError {
    return new this(
      subject,
      `in ${handler}, which handles no HTTP request: messages of sockets, subscriptions and microservices have no ` +
        'session. Read what they need in a handler of HTTP, and pass the values on',
    );
  }
}
