import type { Clock } from '../../libs/session/src/store/clock.js';
import type { SessionChange, SessionCreation, SessionRenewal } from '../../libs/session/src/store/session-change.js';
import type { ClientAccess, SessionAccess } from '../../libs/session/src/store/session-id.js';
import { sessionExpiry, type SessionRecord, type SessionTimes } from '../../libs/session/src/store/session-record.js';
import type {
  DestroyResult,
  LoadOptions,
  LoadResult,
  SaveResult,
  SessionStore,
  TouchResult,
} from '../../libs/session/src/store/session-store.js';
import { keyOf } from './broken-stores.js';

const MINUTE = 60_000;

/** [I2] At least so many former ids are recognised. */
const LEAST_FORMER = 4;

/** A proof that opens nothing any more, and since when. */
interface FormerProof {
  readonly proof: string;
  readonly since: number;
}

interface ModelSession {
  readonly record: SessionRecord;

  /** The stamps of all saves that were ever applied, by write id. */
  readonly applied: ReadonlyMap<string, string>;

  /** All former proofs, newest first. */
  readonly former: readonly FormerProof[];
}

interface Granted {
  readonly check: 'granted';
  readonly session: ModelSession;
}

interface Refused {
  readonly check: 'superseded' | 'none';
  readonly session?: undefined;
}

/** The contract as an executable model. It replaces whole records, forgets nothing, and need not be fast. */
export class SessionStoreModel implements SessionStore {
  readonly name = 'model';
  readonly contract = 1;
  readonly shared = false;

  private readonly sessions = new Map<string, ModelSession>();

  /** Ended keys, with the time when they ended. */
  readonly ended = new Map<string, number>();

  /** Proofs that are superseded while there is no session, by key, newest first. */
  readonly superseded = new Map<string, readonly FormerProof[]>();

  constructor(private readonly clock: Clock) {}

  live(key: string): ModelSession | undefined {
    const session = this.sessions.get(key);
    return session && session.record.expiresAt > this.clock.now() ? session : undefined;
  }

  /** Whether the contract leaves it to the store what it answers to this proof: it may have forgotten it. */
  isOpen({ key, proof }: SessionAccess): boolean {
    const former = this.formerOf(key);
    const at = former.findIndex((each) => each.proof === proof);
    const age = this.clock.now() - (former[at]?.since ?? Number.NEGATIVE_INFINITY);
    return at !== -1 && age <= 2 * MINUTE && (age >= MINUTE || at >= LEAST_FORMER);
  }

  async load(access: SessionAccess, { known, touchAfterMs }: LoadOptions = {}): Promise<LoadResult> {
    const { check, session } = this.find(access);
    if (!session) return { outcome: check };
    let { record } = session;
    const { lastAccessedAt, joined, confirmed } = record;
    const comesBack = touchAfterMs !== undefined && access.proof !== undefined;
    const isDue = touchAfterMs !== undefined && this.clock.now() - lastAccessedAt >= touchAfterMs;
    if (isDue || (comesBack && !confirmed)) {
      record = this.used(comesBack ? { ...record, joined: true, confirmed: true } : record);
      this.sessions.set(access.key, { ...session, record });
    }
    const times = { ...timesOf(record), lastAccessedAt, joined, confirmed };
    return record.stamp === known
      ? { outcome: 'unchanged', times }
      : { outcome: 'found', record: { ...record, ...times } };
  }

  async save(change: SessionChange): Promise<SaveResult> {
    const key = keyOf(change);
    const { writeId } = change;
    const session = this.live(key);
    const again = session?.applied.get(writeId);
    if (session && again) return { outcome: 'saved', stamp: again, times: timesOf(session.record) };
    if (change.mode === 'create') {
      if (this.ended.has(key)) return { outcome: 'gone' };
      if (session) return { outcome: 'conflict', record: session.record };
    } else {
      if (!session) return { outcome: 'gone' };
      const { check } = this.find(change.access);
      if (check !== 'granted') return check === 'none' ? { outcome: 'gone' } : { outcome: check };
    }
    const renewal = change.mode === 'update' ? change.renewal : undefined;
    const parts = new Map(session?.record.parts);
    for (const name of parts.keys()) if (renewal?.keep && !renewal.keep.includes(name)) parts.delete(name);
    const conflict = [...change.parts].some(([name, { base }]) => (parts.get(name)?.version ?? null) !== base);
    if (session && conflict) return { outcome: 'conflict', record: session.record };

    const stamp = `${(session?.applied.size ?? 0) + 1}.${writeId}`;
    for (const [name, { payload }] of change.parts) {
      parts.delete(name);
      if (payload !== null) parts.set(name, { version: stamp, payload });
    }
    const before = session?.record ?? this.newRecord(change as SessionCreation);
    const lifetime = change.lifetime ?? before.lifetime;
    const record = this.used({ ...before, ...(renewal && this.renewed(before, renewal)), stamp, lifetime, parts });
    const replaced = renewal ? [{ proof: before.proof, since: this.clock.now() }] : [];
    const former = [...replaced, ...(session?.former ?? [])];
    this.sessions.set(key, { record, applied: new Map(session?.applied).set(writeId, stamp), former });
    return { outcome: 'saved', stamp, times: timesOf(record) };
  }

  async touch(access: SessionAccess): Promise<TouchResult> {
    const { check, session } = this.find(access);
    if (!session) return { outcome: check };
    this.sessions.set(access.key, { ...session, record: this.used(session.record) });
    return { outcome: 'touched' };
  }

  async destroy(access: SessionAccess): Promise<DestroyResult> {
    const { check, session } = this.find(access);
    if (session || !this.live(access.key)) this.ended.set(access.key, this.clock.now());
    if (!session) return { outcome: check };
    this.sessions.delete(access.key);
    return { outcome: 'ended' };
  }

  async supersede({ key, proof }: ClientAccess): Promise<void> {
    if (this.live(key)) return;
    const others = (this.superseded.get(key) ?? []).filter((each) => each.proof !== proof);
    this.superseded.set(key, [{ proof, since: this.clock.now() }, ...others]);
  }

  async close(): Promise<void> {}

  formerOf(key: string): readonly FormerProof[] {
    return this.live(key)?.former ?? this.superseded.get(key) ?? [];
  }

  private find(access: SessionAccess): Granted | Refused {
    const session = this.live(access.key);
    const opens =
      access.proof === undefined ? session?.record.logins === access.logins : session?.record.proof === access.proof;
    if (session && opens) return { check: 'granted', session };
    const former = this.formerOf(access.key).find(({ proof }) => proof === access.proof);
    return { check: former && this.clock.now() - former.since < 2 * MINUTE ? 'superseded' : 'none' };
  }

  private newRecord({ proof, principal, lifetime }: SessionCreation): SessionRecord {
    const now = this.clock.now();
    const authenticatedAt = principal === undefined ? undefined : now;
    const times = { createdAt: now, authenticatedAt, lastAccessedAt: now, expiresAt: now };
    const identity = { proof, generation: 0, logins: principal === undefined ? 0 : 1, principal };
    return { ...times, joined: false, confirmed: false, ...identity, stamp: '', lifetime, parts: new Map() };
  }

  private renewed(before: SessionRecord, { proof, principal }: SessionRenewal): Partial<SessionRecord> {
    const renewed = { proof, generation: before.generation + 1, confirmed: false };
    if (principal === undefined) return renewed;
    const authenticatedAt = this.clock.now();
    if (principal === before.principal) return { ...renewed, authenticatedAt };
    const createdAt = before.principal === undefined ? before.createdAt : authenticatedAt;
    return { ...renewed, authenticatedAt, createdAt, principal, logins: before.logins + 1 };
  }

  private used(record: SessionRecord): SessionRecord {
    const lastAccessedAt = this.clock.now();
    return { ...record, lastAccessedAt, expiresAt: sessionExpiry({ ...record, lastAccessedAt }, record.lifetime) };
  }
}

/** The times alone. */
export function timesOf(times: SessionTimes): SessionTimes {
  const { createdAt, authenticatedAt, lastAccessedAt, expiresAt, joined, confirmed } = times;
  return { createdAt, authenticatedAt, lastAccessedAt, expiresAt, joined, confirmed };
}
