import type { PartChange, SessionChange } from '../store/session-change.js';
import type { SessionKey } from '../store/session-key.js';
import type { SessionLifetime } from '../store/session-lifetime.js';
import type { SessionRecord, SessionTimes } from '../store/session-record.js';
import type { Payloads } from './payloads.js';
import type { SessionBirth } from './session-birth.js';

/** What the store has of one session, as far as this server knows. Only what the store answers changes it. */
export class StoredSession {
  payloads: Payloads;
  lifetime: SessionLifetime;

  /** Undefined until the session is stored. */
  times: SessionTimes | undefined;

  /** Stamp of exactly these payloads; undefined when the store may have others. */
  stamp: string | undefined;

  /** How often the session had been saved when the store last spoke of it: the first half of that stamp. 0 until it is stored. */
  saves = 0;

  private versions: ReadonlyMap<string, string>;

  /** Until the first save: how to create the session. */
  private birth: SessionBirth | undefined;

  constructor(
    private readonly key: SessionKey,
    origin: SessionRecord | SessionBirth,
  ) {
    this.payloads = new Map();
    this.versions = new Map();
    this.lifetime = origin.lifetime;
    if ('stamp' in origin) this.adopt(origin);
    else this.birth = origin;
  }

  /** The store says what it has. */
  adopt(record: SessionRecord): void {
    const payloads = new Map<string, string>();
    const versions = new Map<string, string>();
    for (const [name, part] of record.parts) {
      payloads.set(name, part.payload);
      versions.set(name, part.version);
    }
    this.payloads = payloads;
    this.versions = versions;
    this.lifetime = record.lifetime;
    this.times = record;
    this.stamp = record.stamp;
    this.saves = Number.parseInt(record.stamp, 10);
  }

  /** What to save so that the session becomes `target`. Versions guard the parts that change, and only those. */
  changeTo(target: Payloads, lifetime?: SessionLifetime, lock?: string): Omit<SessionChange, 'writeId'> {
    const { key, birth } = this;
    const parts = new Map<string, PartChange>();
    for (const [name, payload] of target) {
      if (this.payloads.get(name) !== payload) parts.set(name, { base: this.versions.get(name) ?? null, payload });
    }
    if (!birth) return { key, mode: 'update', lifetime, lock, parts };
    return { key, mode: 'create', lifetime: lifetime ?? birth.lifetime, createdAt: birth.createdAt, parts };
  }

  /** The store has accepted the change to `target`. */
  saved(target: Payloads, lifetime: SessionLifetime | undefined, stamp: string, times: SessionTimes): void {
    const versions = new Map<string, string>();
    for (const [name, payload] of target) {
      const known = this.payloads.get(name) === payload ? this.versions.get(name) : undefined;
      versions.set(name, known ?? stamp);
    }
    // Another server may have changed other parts in between: that is no conflict, but its stamp covers what is not known here.
    const isWhole = this.birth !== undefined || (this.stamp !== undefined && isNext(stamp, this.stamp));
    this.payloads = target;
    this.versions = versions;
    this.stamp = isWhole ? stamp : undefined;
    this.saves = Number.parseInt(stamp, 10);
    this.times = times;
    this.lifetime = lifetime ?? this.lifetime;
    this.birth = undefined;
  }

  /** Something was asked of the store and the answer is not known: what it has must be read before it is trusted again. */
  distrust(): void {
    this.stamp = undefined;
  }
}

/** Stamps are `<n>.<writeId>`, n growing by one with each save. */
function isNext(stamp: string, previous: string): boolean {
  return Number.parseInt(stamp, 10) === Number.parseInt(previous, 10) + 1;
}
