import { randomBytes } from 'node:crypto';
import { SessionBusyError } from '../errors/session-busy.error.js';
import type { ClientAccess, SessionKey } from './session-id.js';
import type { StoreGateway } from './store-gateway.js';

/** How long the store keeps a lock that is not renewed: how long others wait when the holder's server dies. */
const LEASE_MS = 10_000;

/** Longest pause between two attempts to get the lock of the store. */
const LONGEST_PAUSE_MS = 25;

/**
 * Lets one request at a time have a session for itself: first among the requests of this server, in order of arrival,
 * so that only one of them asks the store; then among all servers.
 */
export class SessionLocks {
  private readonly lines = new Map<SessionKey, WaitingLine>();

  constructor(private readonly gateway: StoreGateway) {}

  /** How many sessions are locked or waited for on this server; for tests. */
  get size(): number {
    return this.lines.size;
  }

  /**
   * @param waitMs how long to wait for the requests before this one
   * @returns undefined when the session is over, or its id is a former one
   * @throws SessionBusyError when the time is over; SessionStoreError when the store fails, or has no locks
   */
  async acquire(access: ClientAccess, waitMs: number): Promise<SessionLock | undefined> {
    this.gateway.requireLocks();
    const { key } = access;
    const end = performance.now() + waitMs;
    const line = this.lines.get(key) ?? new WaitingLine();
    this.lines.set(key, line);
    if (!(await line.enter(waitMs))) throw busy(waitMs);
    const leave = (): void => {
      line.next();
      if (line.isEmpty) this.lines.delete(key);
    };
    try {
      const token = this.gateway.isShared ? await this.lockStore(access, end, waitMs) : undefined;
      if (token !== null) return new SessionLock(access, this.gateway, token, leave);
    } catch (error) {
      leave();
      throw error;
    }
    leave();
    return undefined;
  }

  /** @returns the token of the lock; null when there is no such session */
  private async lockStore(access: ClientAccess, end: number, waitMs: number): Promise<string | null> {
    const token = randomBytes(12).toString('base64url');
    for (;;) {
      const { outcome } = await this.gateway.lock(access, token, LEASE_MS);
      if (outcome === 'locked') return token;
      if (outcome !== 'held') return null;
      if (performance.now() >= end) throw busy(waitMs);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_PAUSE_MS));
    }
  }
}

/** A session that one request has for itself. Held until it is released, or until 10 s after its server died. */
export class SessionLock {
  private readonly renewal: NodeJS.Timeout | undefined;
  private isReleased = false;

  constructor(
    private access: ClientAccess,
    private readonly gateway: StoreGateway,
    /** Names the holder to the store; undefined when no other server can want the session. */
    private readonly token: string | undefined,
    private readonly onRelease: () => void,
  ) {
    if (token === undefined) return;
    // A failure needs no report here: the next save finds that the lock is not held any more.
    const renew = (): void => void gateway.lock(this.access, token, LEASE_MS).catch(() => undefined);
    this.renewal = setInterval(renew, LEASE_MS / 3).unref();
  }

  /** The holder has given the session a new id: the lock goes on. */
  renewed(access: ClientAccess): void {
    if (access.key === this.access.key) this.access = access;
  }

  /** The token to save a session with; undefined for any other session than the locked one. */
  tokenFor(key: SessionKey): string | undefined {
    return key === this.access.key ? this.token : undefined;
  }

  /** May be called again. Never rejects: a lock that the store is not told of is free when its lease ends. */
  async release(): Promise<void> {
    if (this.isReleased) return;
    this.isReleased = true;
    clearInterval(this.renewal);
    if (this.token !== undefined) await this.gateway.unlock(this.access.key, this.token).catch(() => undefined);
    this.onRelease();
  }
}

interface Waiter {
  readonly begin: () => void;
}

/** Requests that wait for one session on this server, in order of arrival. */
export class WaitingLine {
  private readonly waiters: Waiter[] = [];
  private isTaken = false;

  get isEmpty(): boolean {
    return !this.isTaken;
  }

  /** @returns true when it is the caller's turn, false when that has not come within `waitMs` */
  enter(waitMs: number): Promise<boolean> {
    if (!this.isTaken) {
      this.isTaken = true;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const waiter: Waiter = {
        begin() {
          clearTimeout(timer);
          resolve(true);
        },
      };
      const timer = setTimeout(() => {
        this.waiters.splice(this.waiters.indexOf(waiter), 1);
        resolve(false);
      }, waitMs);
      this.waiters.push(waiter);
    });
  }

  /** The caller's turn is over: the next waiter has it. */
  next(): void {
    const next = this.waiters.shift();
    if (next) next.begin();
    else this.isTaken = false;
  }
}

function busy(waitMs: number): SessionBusyError {
  return new SessionBusyError(
    `other requests have kept the session locked for ${waitMs} ms; nothing of this one was stored`,
  );
}
