import { SessionContextNotActiveError } from '../errors/session-context-not-active.error.js';
import { SessionResponseCommittedError } from '../errors/session-response-committed.error.js';
import type { RequestTiming } from '../timing/request-timing.js';
import type { LiveSession } from '../live/live-session.js';
import type { PresentedId, IdExchange } from './id-exchange.js';
import type { SessionLock } from '../store/session-lock.js';
import type { UnitOfWork } from './unit-of-work.js';

/** What a request asked for besides what its beans hold; its next commit does it. */
export interface PendingActions {
  /** `start()` was called: store the session even if no bean changed. */
  startRequested: boolean;

  /** `renewId()` or `login()` was called: the commit replaces the id. */
  renewRequested: boolean;

  /** Idle timeout to store with the next commit. */
  idleTimeoutMs: number | undefined;
}

/**
 * The session of one request, from the middleware to the end of the response: which session it is, its unit of work, and what it asked
 * for. Holds state only; SessionLifecycle moves it.
 *
 * `idle` (nothing loaded) -> `active` -> `closed` (response sent). When the client goes away while code of the request may still run, it
 * is `detached` until that code ends the response: beans still answer, so that a client cannot make it throw by leaving, but
 * no live session is held.
 */
export class RequestState implements PendingActions {
  phase: 'idle' | 'active' | 'detached' | 'closed' = 'idle';

  /** The session is loaded, or is being loaded: a request loads once, whoever asks first. */
  hasBegun = false;

  /** Set while, and after, the store is asked for it. */
  loading: Promise<void> | undefined;

  /** Set while a commit or an invalidation is under way; the next one waits for it. Never rejects. */
  committing: Promise<void> | undefined;

  /** Held until the request ends, or its exclusive section does. */
  lock: SessionLock | undefined;

  /** The handler promised to change nothing: its commits look at nothing. */
  isReadOnly = false;

  unit: UnitOfWork | undefined;

  /** The live session in use; undefined when the client has no session (yet). */
  live: LiveSession | undefined;

  /** The id behind `live`, or the one a session to be started will have. A credential: leaves only with the head of the response and through `encodeUrl`. */
  id: string | undefined;

  /** What the client presented, once the session is loaded. */
  presented: PresentedId | undefined;

  /** It had a session and has ended it, or found it ended. */
  hasLeft = false;

  /** The client presented an id that was replaced a short while ago: it has the new one, or is about to. */
  isLate = false;

  /** The client got its id in this request. */
  isNew = false;

  startRequested = false;
  renewRequested = false;
  idleTimeoutMs: number | undefined;

  /** Name of the handler, once routing has found it; for error texts. */
  handler: string | undefined;

  /** Where its time goes; undefined where nobody listens, and when the response is over. */
  timing: RequestTiming | undefined;

  constructor(readonly exchange: IdExchange) {}

  /** The client has a session, though none may be held live. */
  get hasSession(): boolean {
    return this.live !== undefined || (this.phase === 'detached' && this.id !== undefined);
  }

  /** For the commit that is about to do it. What is asked for while it is under way is for the next. */
  takeActions(): PendingActions {
    const { startRequested, renewRequested, idleTimeoutMs } = this;
    this.forgetActions();
    return { startRequested, renewRequested, idleTimeoutMs };
  }

  forgetActions(): void {
    this.startRequested = false;
    this.renewRequested = false;
    this.idleTimeoutMs = undefined;
  }

  /** The unit of work if a bean can be touched now. */
  get activeUnit(): UnitOfWork | undefined {
    if (this.phase === 'detached') return this.unit;
    if (this.phase !== 'active' || (this.live === undefined && this.exchange.isHeadSent)) return undefined;
    return this.unit;
  }

  /**
   * @param subject what asks, for the error text, e.g. `Counter.value`
   * @throws SessionContextNotActiveError when nothing was loaded, SessionResponseCommittedError when it is too late
   */
  unitFor(subject: string): UnitOfWork {
    const unit = this.activeUnit;
    if (unit) return unit;
    if (this.phase === 'closed') {
      throw new SessionResponseCommittedError(
        `${subject} was used after the response was sent: finish the work before the handler returns, or do it in a request of its own`,
      );
    }
    if (this.phase === 'active') {
      throw new SessionResponseCommittedError(
        `${subject} would start a session, but the head of the response is already sent and no cookie can go with it: touch it before the first byte`,
      );
    }
    throw new SessionContextNotActiveError(
      subject,
      this.handler
        ? `in ${this.handler}, for which no session was loaded: nothing it depends on leads to a session-scoped bean. Inject the bean there or add @UseSession() to the handler`
        : 'before the session was loaded, which happens right before the guards: middleware cannot use it',
    );
  }
}
