import { SetMetadata } from '@nestjs/common';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { SESSION_LOCK } from './session-metadata.js';

/**
 * Handlers so marked, on a method or a controller, run one after the other for each session, on all servers: for side effects outside the session
 * (payments, mails). The session itself needs no lock, and requests of other handlers go on. Waits in the guard phase; the lock is
 * held until the response is stored. Loads the session.
 *
 * @param waitMs how long to wait for the others, in ms; then the request is answered with 503 `SessionBusyError`. Default 5 s.
 * @see HttpSession.runExclusive for a part of a handler
 */
export function SessionLock({ waitMs = 5_000 }: { readonly waitMs?: number } = {}): ClassDecorator & MethodDecorator {
  if (!Number.isSafeInteger(waitMs) || waitMs < 0) {
    throw new SessionConfigurationError(
      `@SessionLock() option waitMs = ${waitMs}: allowed is a whole number of milliseconds from 0`,
    );
  }
  return SetMetadata(SESSION_LOCK, waitMs);
}
