import { SessionStoreError } from '../../errors/session-store.error.js';
import type { Clock } from '../clock.js';
import type { MaybePromise } from '../maybe-promise.js';
import type { SessionChange } from '../session-change.js';
import type { SessionKey } from '../session-id.js';
import type { StoredPart } from '../session-record.js';
import type { LoadOptions, LoadResult, SaveResult, SessionStore } from '../session-store.js';
import { changeParts } from '../heap/change-parts.js';
import { type MemorySessionStoreOptions, resolveMemorySessionStoreOptions } from './memory-session-store.options.js';
import { MemorySessionTable } from './memory-session-table.js';
import { MemorySession } from './memory-session.js';
import { packParts, unpackParts } from '../heap/packed-parts.js';
import { SharedLifetime } from '../heap/shared-lifetime.js';
import { RecentKeys } from './recent-keys.js';

/** [D2] How long an ended key stays ended for a `create` that arrives late; how many keys are remembered at most. */
const ENDED_KEYS = { forMs: 60_000, limit: 10_000 } as const;

/**
 * Keeps sessions in the heap of this process: the embedded default. They are gone when the process ends, and other
 * servers do not see them.
 *
 * Bounded by number and by bytes. When it is full, new sessions are refused with a {@link SessionStoreError} (503) and
 * living ones go on; nothing is evicted, because a session is somebody's login.
 *
 * @example
 * SessionModule.forRoot({ store: new MemorySessionStore({ maxSessions: 20_000 }) })
 */
export class MemorySessionStore implements SessionStore {
  readonly name = 'memory';
  readonly capabilities = { shared: false } as const;

  private readonly clock: Clock;
  private readonly table: MemorySessionTable;
  private readonly ended: RecentKeys;
  private readonly renewed: RecentKeys;
  private readonly lifetimes = new SharedLifetime();

  /** @throws SessionConfigurationError when an option cannot work. */
  constructor(options: MemorySessionStoreOptions = {}) {
    const resolved = resolveMemorySessionStoreOptions(options);
    this.clock = resolved.clock;
    this.table = new MemorySessionTable(resolved);
    this.ended = new RecentKeys(ENDED_KEYS.forMs, ENDED_KEYS.limit, this.clock.now());
    this.renewed = new RecentKeys(ENDED_KEYS.forMs, ENDED_KEYS.limit, this.clock.now());
  }

  /** Sessions kept now, including expired ones that were not freed yet. For metrics. */
  get size(): number {
    return this.table.size;
  }

  /** Bytes kept now, counted as `maxBytes` is. For metrics. */
  get bytes(): number {
    return this.table.bytes;
  }

  load(key: SessionKey, { known, touchAfterMs }: LoadOptions = {}): MaybePromise<LoadResult> {
    const now = this.clock.now();
    const session = this.table.find(key, now);
    if (!session) return this.renewed.has(key, now) ? { outcome: 'none', renewed: true } : { outcome: 'none' };
    const { createdAt, lastAccessedAt, joined } = session;
    if (touchAfterMs !== undefined && (!joined || now - lastAccessedAt >= touchAfterMs)) {
      session.joined = true;
      this.table.prolong(session, now);
    }
    const { expiresAt, stamp, lifetime, parts } = session;
    if (stamp === known) return { outcome: 'unchanged', times: { createdAt, lastAccessedAt, expiresAt, joined } };
    const record = { createdAt, lastAccessedAt, expiresAt, joined, stamp, lifetime, parts: unpackParts(parts) };
    return { outcome: 'found', record };
  }

  /** @throws SessionStoreError when the store is full. */
  save(change: SessionChange): MaybePromise<SaveResult> {
    const now = this.clock.now();
    const session = this.table.find(change.key, now);
    if (!session) {
      const tooLate = change.mode === 'update' || this.ended.has(change.key, now);
      return tooLate ? { outcome: 'gone' } : this.create(change, now);
    }
    const stamp = session.stampOf(change.writeId);
    if (stamp) return { outcome: 'saved', stamp, times: session.times };
    if (change.mode === 'create') return { outcome: 'conflict', record: session.record };
    return this.update(session, change, now);
  }

  async touch(key: SessionKey): Promise<boolean> {
    const now = this.clock.now();
    const session = this.table.find(key, now);
    if (session) this.table.prolong(session, now);
    return session !== undefined;
  }

  async destroy(key: SessionKey, ifStamp?: string): Promise<boolean> {
    const now = this.clock.now();
    const session = this.table.find(key, now);
    if (session && ifStamp !== undefined && session.stamp !== ifStamp) return false;
    if (session) this.table.remove(session);
    this.ended.add(key, now);
    if (session && ifStamp !== undefined) this.renewed.add(key, now);
    return session !== undefined;
  }

  /** Stops the timer. The sessions stay usable, for requests that are still running. May be called again. */
  async close(): Promise<void> {
    this.table.close();
  }

  private create(change: SessionChange, now: number): SaveResult {
    const { key, writeId, lifetime, createdAt = now, parts: changes } = change;
    if (!lifetime) throw new SessionStoreError(this.name, 'save', 'a change of mode create carries no lifetime');
    const stamp = `1.${writeId}`;
    const parts = new Map<string, StoredPart>();
    for (const [name, { payload }] of changes) {
      if (payload !== null) parts.set(name, { version: stamp, payload });
    }
    const session = new MemorySession(key, stamp, this.lifetimes.of(lifetime), packParts(parts), createdAt, now);
    session.joined = change.createdAt !== undefined;
    this.table.add(session, now);
    return { outcome: 'saved', stamp, times: session.times };
  }

  private update(session: MemorySession, change: SessionChange, now: number): SaveResult {
    const stamp = session.nextStamp(change.writeId);
    const parts = changeParts(session.parts, change.parts, stamp);
    if (!parts) return { outcome: 'conflict', record: session.record };
    this.table.replaceParts(session, parts, stamp, now);
    if (change.lifetime) session.lifetime = this.lifetimes.of(change.lifetime);
    this.table.prolong(session, now);
    return { outcome: 'saved', stamp, times: session.times };
  }
}
