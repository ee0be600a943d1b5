import { SessionError } from './session.error.js';

/**
 * Two overlapping requests changed the same field and no `@Merge` rule says what that means. Nothing of this request was
 * stored; the request may be sent again.
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
      `${bean}.${field} was changed by another request of the same session while this one ran; nothing of this request ` +
        `was stored. Send it again, declare what should happen with @Merge(...) on the field, or serialise such handlers`,
    );
  }
}
