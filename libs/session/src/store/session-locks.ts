import { randomBytes } from 'node:crypto';
import { SessionBusyError } from '../errors/session-busy.error.js';
import type { ClientAccess, SessionAccess, SessionKey } from './session-id.js';
import type { LockResult } from './session-store.js';
import type { StoreGateway } from './store-gateway.js';

/** How long the store keeps a lock that is not renewed: how long others wait when the holder's server dies. */
const LEASE_MS = 10_000;

/** Longest pause between two attempts to get the lock of the store. */
const LONGEST_PAUSE_MS = 25;

/** Why there is nothing to lock. */
type NoLock = Exclude<LockResult['outcome'], 'locked' | 'held'>;

/**
 * Lets one request at a time have a session for itself: first among the requests of this server, in order of arrival,
 * so that only one of them asks the store; then among all servers.
 *
 * Each id of a session has a line of its own. A request that began under a former id neither sees nor changes the
 * session any more, so it must not keep those waiting who have the new id: somebody else may have planted the former
 * one. In the store the lock is of the session, whatever id it has; there such a request cannot keep it for longer than
 * its lease. Work that the application has opened by a handle goes on when the id is renewed, and so does its lock.
 */
export class SessionLocks {
  private readonly lines = new Map<string, WaitingLine>();

  /** Locks of work that was opened by a handle. */
  private readonly byHandle = new Set<SessionLock>();

  constructor(private readonly gateway: StoreGateway) {}

  /** How many ids of sessions are locked or waited for on this server; for tests. */
  get size(): number {
    return this.lines.size;
  }

  /**
   * @param waitMs how long to wait for the requests before this one
   * @param handle how the store is asked, where the application has named the session
   * @returns `none` when the session is over; `superseded` when its id is a former one
   * @throws SessionBusyError when the time is over; SessionStoreError when the store fails, or has no locks
   */
  async acquire(access: ClientAccess, waitMs: number, handle?: SessionAccess): Promise<SessionLock | NoLock> {
    this.gateway.requireLocks();
    const end = performance.now() + waitMs;
    const line = this.lineOf(access);
    if (!(await line.enter(waitMs))) throw busy(waitMs);
    const token = this.gateway.isShared ? randomBytes(12).toString('base64url') : undefined;
    try {
      const outcome = token === undefined ? 'locked' : await this.lockStore(handle ?? access, token, end, waitMs);
      if (outcome === 'locked') return this.lockOf(access, handle, token, line);
      line.next();
      return outcome;
    } catch (error) {
      line.next();
      throw error;
    }
  }

  /** A session has another id from now on: those who have it for themselves still do. */
  renewed(access: ClientAccess, holder: SessionLock | undefined): void {
    holder?.renewed(access);
    for (const lock of this.byHandle) lock.renewed(access);
  }

  private lockOf(
    access: ClientAccess,
    handle: SessionAccess | undefined,
    token: string | undefined,
    line: WaitingLine,
  ): SessionLock {
    const lock = new SessionLock(handle ?? access, this.gateway, token, line, this.lineOf, () =>
      this.byHandle.delete(lock),
    );
    if (handle) this.byHandle.add(lock);
    return lock;
  }

  private readonly lineOf = ({ key, proof }: ClientAccess): WaitingLine => {
    const name = key + proof;
    const line = this.lines.get(name) ?? new WaitingLine(() => this.lines.delete(name));
    this.lines.set(name, line);
    return line;
  };

  /** Asks the store until nobody else has the lock. */
  private async lockStore(
    access: SessionAccess,
    token: string,
    end: number,
    waitMs: number,
  ): Promise<'locked' | NoLock> {
    for (;;) {
      const { outcome } = await this.gateway.lock(access, token, LEASE_MS);
      if (outcome !== 'held') return outcome;
      if (performance.now() >= end) throw busy(waitMs);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_PAUSE_MS));
    }
  }
}

/** A session that one request has for itself. Held until it is released, or until 10 s after its server died. */
export class SessionLock {
  private readonly renewal: NodeJS.Timeout | undefined;
  private readonly lines: WaitingLine[];
  private isReleased = false;

  constructor(
    private access: SessionAccess,
    private readonly gateway: StoreGateway,
    /** Names the holder to the store; undefined when no other server can want the session. */
    private readonly token: string | undefined,
    /** Where it is the holder's turn. */
    line: WaitingLine,
    private readonly lineOf: (access: ClientAccess) => WaitingLine,
    private readonly onRelease: () => void,
  ) {
    this.lines = [line];
    if (token === undefined) return;
    // A failure needs no report here: the next save finds that the lock is not held any more.
    const renew = (): void => void gateway.lock(this.access, token, LEASE_MS).catch(() => undefined);
    this.renewal = setInterval(renew, LEASE_MS / 3).unref();
  }

  /** The session has a new id: the lock goes on, also for those who are about to get that id. */
  renewed(access: ClientAccess): void {
    if (access.key !== this.access.key) return;
    if (this.access.proof !== undefined) this.access = access;
    const line = this.lineOf(access);
    // It is the holder's turn at once: nobody else knows the new id yet.
    void line.enter(0);
    this.lines.push(line);
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
    this.onRelease();
    if (this.token !== undefined) await this.gateway.unlock(this.access.key, this.token).catch(() => undefined);
    for (const line of this.lines) line.next();
  }
}

interface Waiter {
  readonly begin: () => void;
}

/** Requests that wait for a session on this server, under the same id, in order of arrival. */
export class WaitingLine {
  private readonly waiters: Waiter[] = [];
  private isTaken = false;

  constructor(private readonly onEmpty: () => void) {}

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
    if (next) return next.begin();
    this.isTaken = false;
    this.onEmpty();
  }
}

function busy(waitMs: number): SessionBusyError {
  return new SessionBusyError(
    `other requests have kept the session locked for ${waitMs} ms; nothing of this one was stored`,
  );
}
