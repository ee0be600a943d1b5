import { SessionError } from './session.error.js';

/**
 * Two overlapping requests changed the same field of a bean, and no `@Merge` rule tells how to merge it. Thrown to the
 * later one when it is committed: at the end of the request, or by `HttpSession.flush()`. Nothing of this commit was
 * stored, and the request may be sent again. The answer is 409.
 *
 * @example
 * ```ts
 * @Catch(SessionConflictError)
 * export class ConflictFilter implements ExceptionFilter {
 *   catch({ bean, field }: SessionConflictError, host: ArgumentsHost) {
 *     host.switchToHttp().getResponse().status(409).send({ message: `${bean}.${field} was changed meanwhile` });
 *   }
 * }
 * ```
 */
export class SessionConflictError extends SessionError {
  override readonly code = 'SESSION_CONFLICT';
  override readonly status = 409;

  constructor(
    /** Stored name of the bean. */
    readonly bean: string,
    /** Path inside the bean, e.g. `value` or `address.city`. */
    readonly field: string,
  ) {
    super(
      `${bean}.${field} was changed by another request of the same session while this one ran; ` +
        'nothing of this request was stored. Send it again, declare a rule with @Merge(...) on the field, ' +
        'or mark such handlers @SessionLock()',
    );
  }
}
