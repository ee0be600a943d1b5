import { AsyncResource } from 'node:async_hooks';
import { SessionStoreError } from '../../errors/session-store.error.js';
import type { Clock } from '../clock.js';
import type { TableBounds } from '../heap/bounded-table.js';
import { EvictingTable } from '../heap/evicting-table.js';
import type { PackedParts } from '../heap/packed-parts.js';
import { PrincipalIndex } from '../heap/principal-index.js';
import { sessionBytes } from '../heap/session-bytes.js';
import type { SessionRenewal } from '../session-change.js';
import type { SessionKey } from '../session-id.js';
import type { MemorySession } from './memory-session.js';

const SWEEP_INTERVAL_MS = 1000;

/** Sessions that one call looks at to free expired ones. The timer looks at more. */
const MOST_PER_CALL = 32;

/**
 * The sessions of one memory store, within its bounds. An expired session is never found. It is freed in slices by the
 * calls, and by one timer, which runs while there are sessions and never keeps the process alive.
 */
export class MemorySessionTable {
  private readonly sessions: EvictingTable<MemorySession>;
  private readonly principals = new PrincipalIndex<MemorySession>();
  private timer: NodeJS.Timeout | undefined = undefined;
  private closed = false;

  /** They hear of each session that has expired, outside of every request. */
  readonly onExpired = new Set<(session: MemorySession) => void>();

  /** Found by calls of requests, and told from the context in which the table was made. */
  private untold: MemorySession[] = [];
  private readonly tell = AsyncResource.bind(() => {
    const { untold } = this;
    this.untold = [];
    for (const session of untold) for (const tell of this.onExpired) tell(session);
  });

  /** Not in the request that adds the first session: on Node 20 the timer would keep that alive. */
  private readonly newTimer = AsyncResource.bind(() =>
    setInterval(() => this.sessions.sweep(this.options.clock.now()), SWEEP_INTERVAL_MS).unref(),
  );

  constructor(private readonly options: TableBounds & { readonly clock: Clock }) {
    const onRemoved = (session: MemorySession): void => {
      this.principals.remove(session);
      if (this.sessions.size === 0) this.stopTimer();
    };
    this.sessions = new EvictingTable(options, options.clock.now(), onRemoved, (session) => this.expired(session));
  }

  /** Includes sessions that have expired and were not freed yet. */
  get size(): number {
    return this.sessions.size;
  }

  get bytes(): number {
    return this.sessions.bytes;
  }

  /** See `BoundedTable.filled`. */
  get filled(): number {
    return this.sessions.filled;
  }

  /** Sessions that had to go before their time. */
  get evicted(): number {
    return this.sessions.evicted;
  }

  find(key: SessionKey, now: number): MemorySession | undefined {
    this.sessions.sweep(now, MOST_PER_CALL);
    const session = this.sessions.get(key);
    if (!session || session.expiresAt > now) return session;
    this.sessions.remove(session);
    this.expired(session);
    return undefined;
  }

  /** @throws SessionStoreError when there is no room for another session. */
  add(session: MemorySession, now: number): void {
    const { rank, bytes } = session;
    const bound = this.sessions.makeRoom({ entry: undefined, rank, bytes }, now);
    if (bound) throw this.full('a new session', bound);
    this.sessions.add(session);
    this.principals.add(session);
    this.startTimer();
  }

  /** The sessions to which the principal is logged in. */
  ofPrincipal(principal: string, now: number): MemorySession[] {
    return Array.from(this.principals.of(principal)).filter(({ expiresAt }) => expiresAt > now);
  }

  /**
   * @param isLogin whether a user logs in with it, who is refused no room
   * @throws SessionStoreError when the session would grow and there is no room. It keeps its parts then.
   */
  replaceParts(session: MemorySession, parts: PackedParts, stamp: string, now: number, isLogin: boolean): void {
    const bytes = sessionBytes(parts);
    const rank = isLogin ? 'principal' : session.rank;
    const bound = this.sessions.makeRoom({ entry: session, rank, bytes }, now);
    if (bound && !isLogin) throw this.full('a change that needs more room', bound);
    this.sessions.resize(session, bytes);
    session.applySave(stamp, parts);
  }

  renew(session: MemorySession, renewal: SessionRenewal, now: number): void {
    this.principals.remove(session);
    session.renew(renewal, now);
    this.principals.add(session);
  }

  /** The session was used now. Call it after all other changes of the session. */
  prolong(session: MemorySession, now: number): void {
    const { lastAccessedAt } = session;
    session.lastAccessedAt = now;
    this.sessions.used(session, lastAccessedAt);
  }

  remove(session: MemorySession): void {
    this.sessions.remove(session);
  }

  open(): void {
    this.closed = false;
    if (this.size > 0) this.startTimer();
  }

  /** Stops the timer, until it is opened again. */
  close(): void {
    this.closed = true;
    this.stopTimer();
  }

  private full(what: string, bound: keyof TableBounds): SessionStoreError {
    return new SessionStoreError({
      store: 'memory',
      operation: 'save',
      applied: false,
      problem:
        `the store is full (${this.size} sessions, ${this.bytes} bytes) and ${what} would pass ${bound}, which is ` +
        `${this.options[bound]}; raise ${bound} of MemorySessionStore, shorten the lifetimes, or keep sessions out ` +
        'of this process',
    });
  }

  private expired(session: MemorySession): void {
    if (this.onExpired.size > 0 && this.untold.push(session) === 1) setImmediate(this.tell);
  }

  private startTimer(): void {
    if (this.timer || this.closed) return;
    this.timer = this.newTimer();
  }

  private stopTimer(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
