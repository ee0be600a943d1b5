import { SessionStoreError } from '../../errors/session-store.error.js';
import type { Clock } from '../clock.js';
import type { SessionKey } from '../session-id.js';
import { ExpiryWheel } from '../heap/expiry-wheel.js';
import type { MemorySession } from './memory-session.js';
import type { PackedParts } from '../heap/packed-parts.js';
import { sessionBytes } from '../heap/session-bytes.js';

const SWEEP_INTERVAL_MS = 1000;

/** Sessions looked at per sweep, by what pays for it: any call, the timer, a call that would be refused otherwise. */
const SWEEP_LIMIT = { call: 32, timer: 5_000, full: 5_000 } as const;

/** Share of `maxBytes` that new sessions may use; the rest is for living ones to grow. */
const BYTES_FOR_NEW_SESSIONS = 0.9;

/**
 * The sessions of one memory store, within its bounds: an expired one is never found, and is freed in bounded slices by the
 * calls and by one timer, which runs while there are sessions and never keeps the process alive.
 */
export class MemorySessionTable {
  private readonly sessions = new Map<SessionKey, MemorySession>();
  private readonly wheel: ExpiryWheel<MemorySession>;
  private usedBytes = 0;
  private timer: NodeJS.Timeout | undefined = undefined;
  private closed = false;

  constructor(
    private readonly bounds: { readonly maxSessions: number; readonly maxBytes: number; readonly clock: Clock },
  ) {
    this.wheel = new ExpiryWheel(bounds.clock.now());
  }

  /** Including what expired and was not freed yet. */
  get size(): number {
    return this.sessions.size;
  }

  get bytes(): number {
    return this.usedBytes;
  }

  find(key: SessionKey, now: number): MemorySession | undefined {
    this.sweep(now, SWEEP_LIMIT.call);
    const session = this.sessions.get(key);
    if (!session || session.expiresAt > now) return session;
    this.remove(session);
    return undefined;
  }

  /** @throws SessionStoreError when there is no room for another session. */
  add(session: MemorySession, now: number): void {
    const { maxSessions, maxBytes } = this.bounds;
    this.makeRoom('a new session', now, () => {
      if (this.sessions.size >= maxSessions) return 'maxSessions';
      return this.usedBytes + session.bytes > BYTES_FOR_NEW_SESSIONS * maxBytes ? 'maxBytes' : undefined;
    });
    this.sessions.set(session.key, session);
    this.usedBytes += session.bytes;
    this.wheel.add(session);
    this.startTimer();
  }

  /** @throws SessionStoreError when the session would grow and there is no room; it keeps its parts then. */
  replaceParts(session: MemorySession, parts: PackedParts, stamp: string, now: number): void {
    const bytes = sessionBytes(parts);
    const growth = bytes - session.bytes;
    this.makeRoom('a change that needs more room', now, () =>
      growth > 0 && this.usedBytes + growth > this.bounds.maxBytes ? 'maxBytes' : undefined,
    );
    this.usedBytes += growth;
    session.applySave(stamp, parts, bytes);
  }

  prolong(session: MemorySession, now: number): void {
    session.lastAccessedAt = now;
    this.wheel.reschedule(session);
  }

  remove(session: MemorySession): void {
    this.wheel.remove(session);
    this.forget(session);
  }

  /** Stops the timer, for good. */
  close(): void {
    this.closed = true;
    this.stopTimer();
  }

  private readonly forget = (session: MemorySession): void => {
    this.sessions.delete(session.key);
    this.usedBytes -= session.bytes;
    if (this.sessions.size === 0) this.stopTimer();
  };

  private sweep(now: number, limit: number): void {
    this.wheel.sweep(now, limit, this.forget);
  }

  /** Frees what expired if that is needed, in one slice: who is refused must not be able to keep the store busy. */
  private makeRoom(what: string, now: number, exceeded: () => 'maxSessions' | 'maxBytes' | undefined): void {
    if (!exceeded()) return;
    this.sweep(now, SWEEP_LIMIT.full);
    const bound = exceeded();
    if (!bound) return;
    throw new SessionStoreError(
      'memory',
      'save',
      `the store is full (${this.sessions.size} sessions, ${this.usedBytes} bytes) and ${what} would pass ${bound}, which is ` +
        `${this.bounds[bound]}; raise ${bound} of MemorySessionStore, shorten the lifetimes, or keep sessions outside the process`,
    );
  }

  private startTimer(): void {
    if (this.timer || this.closed) return;
    this.timer = setInterval(() => this.sweep(this.bounds.clock.now(), SWEEP_LIMIT.timer), SWEEP_INTERVAL_MS).unref();
  }

  private stopTimer(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
