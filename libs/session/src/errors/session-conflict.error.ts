import { SessionError } from './session.error.js';

/** A place that two overlapping requests changed. */
export interface SessionConflict {
  /** Stored name of the bean. */
  readonly bean: string;

  /** Path inside the bean, e.g. `value` or `address.city`. */
  readonly field: string;
}

/** The text for operators names no more of the places: there may be as many as the session has values. */
const MOST_NAMED = 10;

/**
 * Two overlapping requests changed the same fields, and no `@Merge` rule tells how to merge them. Thrown to the later
 * one when it is committed: at the end of the request, or by `HttpSession.flush()`. Nothing of this commit was stored,
 * and the request may be sent again. The answer is 409.
 *
 * @example
 * ```ts
 * @Catch(SessionConflictError)
 * export class ConflictFilter implements ExceptionFilter {
 *   catch({ conflicts }: SessionConflictError, host: ArgumentsHost) {
 *     const changed = conflicts.map(({ bean, field }) => `${bean}.${field}`);
 *     host.switchToHttp().getResponse().status(409).send({ message: 'changed meanwhile', changed });
 *   }
 * }
 * ```
 */
export class SessionConflictError extends SessionError {
  /** All that was in conflict, at least one. Frozen: listeners of the event `conflict` get the same. */
  readonly conflicts: readonly SessionConflict[];

  constructor(conflicts: readonly SessionConflict[]) {
    const named = conflicts.slice(0, MOST_NAMED).map(({ bean, field }) => `${bean}.${field}`);
    const others = conflicts.length - named.length;
    const more = others > 0 ? ` and ${others} more` : '';
    super({
      status: 409,
      code: 'SESSION_CONFLICT',
      message: 'the session was changed by another request',
      detail:
        `${named.join(', ')}${more} ${conflicts.length > 1 ? 'were' : 'was'} changed by another request of the same ` +
        'session while this one ran; nothing of this request was stored. Send it again, declare a rule with ' +
        '@Merge(...) on the field, or mark such handlers @SessionLock()',
    });
    this.conflicts = Object.freeze(conflicts.map(({ bean, field }) => Object.freeze({ bean, field })));
  }
}
