import type { Clock } from '../../libs/session/src/store/clock.js';
import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import { sessionExpiry, type SessionRecord, type SessionTimes } from '../../libs/session/src/store/session-record.js';
import type { LoadOptions, LoadResult, SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';

interface ModelSession {
  readonly record: SessionRecord;
  /** Stamps of the saves that were applied, by write id, for ever. */
  readonly applied: ReadonlyMap<string, string>;
}

/** The contract, executable: whole records are replaced, nothing is forgotten, nothing is fast. */
export class SessionStoreModel implements SessionStore {
  readonly name = 'model';
  readonly capabilities = { shared: false };

  private readonly sessions = new Map<string, ModelSession>();

  /** Ended keys with the time of their end. */
  readonly ended = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  live(key: string): ModelSession | undefined {
    const session = this.sessions.get(key);
    return session && session.record.expiresAt > this.clock.now() ? session : undefined;
  }

  async load(key: string, { known, touchAfterMs }: LoadOptions = {}): Promise<LoadResult> {
    const session = this.live(key);
    if (!session) return { outcome: 'none' };
    let { record } = session;
    const { createdAt, lastAccessedAt, joined } = record;
    const idleMs = this.clock.now() - lastAccessedAt;
    if (touchAfterMs !== undefined && (!joined || idleMs >= touchAfterMs)) {
      record = this.used({ ...record, joined: true });
      this.sessions.set(key, { ...session, record });
    }
    const times: SessionTimes = { createdAt, lastAccessedAt, expiresAt: record.expiresAt, joined };
    return record.stamp === known
      ? { outcome: 'unchanged', times }
      : { outcome: 'found', record: { ...record, ...times } };
  }

  async save(change: SessionChange): Promise<SaveResult> {
    const { key, writeId, mode } = change;
    const session = this.live(key);
    const again = session?.applied.get(writeId);
    if (session && again) return { outcome: 'saved', stamp: again, times: timesOf(session.record) };
    if (!session && (mode === 'update' || this.ended.has(key))) return { outcome: 'gone' };
    const conflict = [...change.parts].some(
      ([name, { base }]) => (session?.record.parts.get(name)?.version ?? null) !== base,
    );
    if (session && (mode === 'create' || conflict)) return { outcome: 'conflict', record: session.record };

    const stamp = `${(session?.applied.size ?? 0) + 1}.${writeId}`;
    const parts = new Map(session?.record.parts);
    for (const [name, { payload }] of change.parts) {
      parts.delete(name);
      if (payload !== null) parts.set(name, { version: stamp, payload });
    }
    const before = session?.record ?? {
      createdAt: change.createdAt ?? this.clock.now(),
      joined: change.createdAt !== undefined,
    };
    const lifetime = change.lifetime ?? session?.record.lifetime;
    if (!lifetime) throw new Error('a creation without a lifetime');
    const record = this.used({ createdAt: before.createdAt, joined: before.joined, stamp, lifetime, parts });
    this.sessions.set(key, { record, applied: new Map(session?.applied).set(writeId, stamp) });
    return { outcome: 'saved', stamp, times: timesOf(record) };
  }

  async touch(key: string): Promise<boolean> {
    const session = this.live(key);
    if (session) this.sessions.set(key, { ...session, record: this.used(session.record) });
    return session !== undefined;
  }

  async destroy(key: string, ifStamp?: string): Promise<boolean> {
    const session = this.live(key);
    if (session && ifStamp !== undefined && session.record.stamp !== ifStamp) return false;
    this.sessions.delete(key);
    this.ended.set(key, this.clock.now());
    return session !== undefined;
  }

  async close(): Promise<void> {}

  private used(record: Omit<SessionRecord, 'lastAccessedAt' | 'expiresAt'>): SessionRecord {
    const lastAccessedAt = this.clock.now();
    return { ...record, lastAccessedAt, expiresAt: sessionExpiry({ ...record, lastAccessedAt }, record.lifetime) };
  }
}

function timesOf({ createdAt, lastAccessedAt, expiresAt, joined }: SessionRecord): SessionTimes {
  return { createdAt, lastAccessedAt, expiresAt, joined };
}
