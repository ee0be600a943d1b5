import { randomBytes } from 'node:crypto';
import { SessionBusyError } from '../errors/session-busy.error.js';
import type { SessionKey } from './session-key.js';
import { LEASE_MS, SessionLock } from './session-lock.js';
import type { StoreGateway } from './store-gateway.js';
import { WaitingLine } from './waiting-line.js';

const LONGEST_PAUSE_MS = 25;

/**
 * Lets one request at a time have a session for itself: first among the requests of this server, in order of arrival, so that only one of
 * them asks the store; then among all servers.
 */
export class SessionLocks {
  private readonly lines = new Map<SessionKey, WaitingLine>();

  constructor(private readonly store: StoreGateway) {}

  /** How many sessions are locked or wanted here; for tests. */
  get size(): number {
    return this.lines.size;
  }

  /**
   * @param waitMs how long to wait for those before
   * @throws SessionBusyError when the time is over; SessionStoreError when the store fails, or cannot lock
   */
  async acquire(key: SessionKey, waitMs: number): Promise<SessionLock> {
    this.store.refuseWithoutLock();
    const end = performance.now() + waitMs;
    const line = this.lines.get(key) ?? new WaitingLine();
    this.lines.set(key, line);
    if (!(await line.enter(waitMs))) throw busy(waitMs);
    const leave = (): void => {
      line.leave();
      if (line.isEmpty) this.lines.delete(key);
    };
    try {
      return new SessionLock(key, this.store, await this.lockStore(key, end, waitMs), leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  private async lockStore(key: SessionKey, end: number, waitMs: number): Promise<string | undefined> {
    if (!this.store.isShared) return undefined;
    const token = randomBytes(12).toString('base64url');
    while (!(await this.store.lock(key, token, LEASE_MS))) {
      if (performance.now() >= end) throw busy(waitMs);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_PAUSE_MS));
    }
    return token;
  }
}

function busy(waitMs: number): SessionBusyError {
  return new SessionBusyError(
    `other requests have kept the session locked for ${waitMs} ms; nothing of this one was stored`,
  );
}
