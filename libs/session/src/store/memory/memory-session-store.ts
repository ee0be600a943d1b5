import type { Clock } from '../clock.js';
import { changeParts } from '../heap/change-parts.js';
import type { AccessCheck } from '../heap/identity-history.js';
import { packParts } from '../heap/packed-parts.js';
import { SharedLifetime } from '../shared-lifetime.js';
import { pageOf } from '../principal-page.js';
import type { SessionChange, SessionCreation, SessionRenewal, SessionUpdate } from '../session-change.js';
import type { ClientAccess, SessionAccess } from '../session-id.js';
import { type StoredPart, stampAfter } from '../session-record.js';
import type {
  ExpiredSession,
  StoreExpiries,
  DestroyResult,
  LoadOptions,
  LoadResult,
  SaveResult,
  SessionStore,
  TouchResult,
} from '../session-store.js';
import type { PrincipalPage, PrincipalSessions, StoreEpoch, StorePrincipals } from '../store-principals.js';
import { type MemorySessionStoreOptions, resolveMemorySessionStoreOptions } from './memory-session-store.options.js';
import { MemorySessionTable } from './memory-session-table.js';
import { MemorySession } from './memory-session.js';
import { RecentKeys } from '../heap/recent-keys.js';

/** [D2] [I15] How long ended keys and superseded proofs are remembered where there is no session; how many at most. */
const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 10_000;

/**
 * Keeps sessions in the heap of this process: the embedded default. They are gone when the process ends, and other
 * servers do not see them.
 *
 * Bounded by number and by bytes. When it is full, anonymous sessions go that nobody came back to, then those that are
 * idle. The session of a user who is logged in never goes before its time. When nothing may go, new sessions are
 * refused with a `SessionStoreError` (503), and living ones go on.
 *
 * @example
 * SessionModule.forRoot({ store: new MemorySessionStore({ maxSessions: 20_000 }) })
 */
export class MemorySessionStore implements SessionStore {
  readonly name = 'memory';
  readonly contract = 1;
  readonly shared = false;

  private readonly clock: Clock;
  private readonly table: MemorySessionTable;

  /** [D2] */
  private readonly ended: RecentKeys;

  /** [I15] Key and proof of each. */
  private readonly superseded: RecentKeys;

  private readonly lifetimes = new SharedLifetime();
  private lastEpoch: number | undefined;

  /** @throws SessionConfigurationError when an option cannot work. */
  constructor(options: MemorySessionStoreOptions = {}) {
    const resolved = resolveMemorySessionStoreOptions(options);
    this.clock = resolved.clock;
    this.table = new MemorySessionTable(resolved);
    this.ended = new RecentKeys(REMEMBERED_MS, MOST_REMEMBERED, this.clock.now());
    this.superseded = new RecentKeys(REMEMBERED_MS, MOST_REMEMBERED, this.clock.now());
  }

  readonly expiries: StoreExpiries = {
    subscribe: (onExpired) => this.subscribe(onExpired),
  };

  readonly principals: StorePrincipals = {
    list: (principal, page) => this.list(principal, page),
  };

  readonly epoch: StoreEpoch = {
    begin: () => (this.lastEpoch = this.clock.now()),
    read: () => this.lastEpoch,
  };

  /** Sessions kept now, including expired ones that were not freed yet. For metrics. */
  get size(): number {
    return this.table.size;
  }

  /** Bytes kept now, counted as `maxBytes` is. For metrics. */
  get bytes(): number {
    return this.table.bytes;
  }

  filled(): number {
    return this.table.filled;
  }

  /** `evicted`: anonymous sessions that had to make room for others. */
  figures(): Readonly<Record<string, number>> {
    const { size: sessions, bytes, evicted } = this.table;
    return { sessions, bytes, evicted };
  }

  load(access: SessionAccess, { known, touchAfterMs }: LoadOptions = {}): LoadResult {
    const now = this.clock.now();
    const session = this.find(access, now);
    if (typeof session === 'string') return { outcome: session };
    const { lastAccessedAt, joined, confirmed } = session;
    if (touchAfterMs !== undefined) this.use(session, access.proof !== undefined, touchAfterMs, now);
    const { createdAt, authenticatedAt, expiresAt } = session;
    const times = { createdAt, authenticatedAt, lastAccessedAt, expiresAt, joined, confirmed };
    if (session.stamp === known) return { outcome: 'unchanged', times };
    return { outcome: 'found', record: session.recordAt(times) };
  }

  /** @throws SessionStoreError when the store is full. */
  save(change: SessionChange): SaveResult {
    const now = this.clock.now();
    const key = change.mode === 'create' ? change.key : change.access.key;
    const session = this.table.find(key, now);
    // [S5] [I6] Before the access: a renewal that is sent again presents a proof that it has replaced itself.
    const stamp = session?.stampOf(change.writeId);
    if (session && stamp) return { outcome: 'saved', stamp, times: session.times };
    if (change.mode === 'update') return session ? this.update(session, change, now) : GONE;
    if (session) return { outcome: 'conflict', record: session.recordAt(session.times) };
    return this.ended.has(key, now) ? GONE : this.create(change, now);
  }

  touch(access: SessionAccess): TouchResult {
    const now = this.clock.now();
    const session = this.find(access, now);
    if (typeof session === 'string') return { outcome: session };
    this.table.prolong(session, now);
    return { outcome: 'touched' };
  }

  destroy(access: SessionAccess): DestroyResult {
    const now = this.clock.now();
    const session = this.find(access, now);
    if (typeof session === 'string') {
      // [I10] The key of nobody's session is marked, too: its creation may be on its way.
      if (!this.table.find(access.key, now)) this.ended.add(access.key, now);
      return { outcome: session };
    }
    this.table.remove(session);
    this.ended.add(access.key, now);
    return { outcome: 'ended' };
  }

  supersede({ key, proof }: ClientAccess): void {
    const now = this.clock.now();
    if (!this.table.find(key, now)) this.superseded.add(`${key} ${proof}`, now);
  }

  /** Starts the timer that frees expired sessions, if `close()` has stopped it. */
  open(): void {
    this.table.open();
  }

  /** Stops the timer. The sessions stay usable, for requests that are still running. May be called again. */
  close(): void {
    this.table.close();
  }

  private subscribe(onExpired: (expired: ExpiredSession) => void): () => void {
    const listener = (session: MemorySession): void =>
      onExpired({ key: session.key, record: session.recordAt(session.times) });
    this.table.onExpired.add(listener);
    return () => void this.table.onExpired.delete(listener);
  }

  private list(principal: string, page: PrincipalPage): PrincipalSessions {
    const sessions = this.sessionsOf(principal, this.clock.now());
    return pageOf(
      sessions.map((session) => ({ key: session.key, record: session.recordAt(session.times) })),
      page,
    );
  }

  /** [E2] */
  private sessionsOf(principal: string, now: number): MemorySession[] {
    const { lastEpoch = -Infinity } = this;
    return this.table.ofPrincipal(principal, now).filter(({ createdAt }) => createdAt > lastEpoch);
  }

  /** [Q6] */
  private isRefused(
    { principal, mostSessions }: Pick<SessionRenewal, 'principal' | 'mostSessions'>,
    session: MemorySession | undefined,
    now: number,
  ): boolean {
    if (principal === undefined || mostSessions === undefined) return false;
    return session?.principal !== principal && this.sessionsOf(principal, now).length >= mostSessions;
  }

  private find(access: SessionAccess, now: number): MemorySession | Exclude<AccessCheck, 'granted'> {
    const session = this.table.find(access.key, now);
    if (!session) return this.superseded.has(`${access.key} ${access.proof}`, now) ? 'superseded' : 'none';
    const check = session.check(access, now);
    return check === 'granted' ? session : check;
  }

  /** [L5] */
  private use(session: MemorySession, isClient: boolean, touchAfterMs: number, now: number): void {
    const isNew = isClient && !session.confirmed;
    if (isClient) {
      session.joined = true;
      session.confirmed = true;
    }
    if (isNew || now - session.lastAccessedAt >= touchAfterMs) this.table.prolong(session, now);
  }

  private create(change: SessionCreation, now: number): SaveResult {
    if (this.isRefused(change, undefined, now)) return LIMIT;
    const stamp = stampAfter(undefined, change.writeId);
    const parts = new Map<string, StoredPart>();
    for (const [name, { payload }] of change.parts) {
      if (payload !== null) parts.set(name, { version: stamp, payload });
    }
    const session = new MemorySession(change, stamp, this.lifetimes.of(change.lifetime), packParts(parts), now);
    this.table.add(session, now);
    return { outcome: 'saved', stamp, times: session.times };
  }

  private update(session: MemorySession, change: SessionUpdate, now: number): SaveResult {
    const check = session.check(change.access, now);
    if (check !== 'granted') return check === 'none' ? GONE : { outcome: check };
    const { writeId, renewal, lifetime } = change;
    const stamp = session.nextStamp(writeId);
    const parts = changeParts(session.parts, change.parts, stamp, renewal?.keep);
    if (!parts) return { outcome: 'conflict', record: session.recordAt(session.times) };
    if (renewal && this.isRefused(renewal, session, now)) return LIMIT;
    this.table.replaceParts(session, parts, stamp, now, renewal?.principal !== undefined);
    if (lifetime) session.lifetime = this.lifetimes.of(lifetime);
    if (renewal) this.table.renew(session, renewal, now);
    this.table.prolong(session, now);
    return { outcome: 'saved', stamp, times: session.times };
  }
}

const GONE: SaveResult = Object.freeze({ outcome: 'gone' });
const LIMIT: SaveResult = Object.freeze({ outcome: 'limit' });
