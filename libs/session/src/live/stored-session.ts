import type { PartChange, SessionChange } from '../store/session-change.js';
import type { SessionKey } from '../store/session-key.js';
import type { SessionLifetime } from '../store/session-lifetime.js';
import type { SessionRecord, SessionTimes } from '../store/session-record.js';
import type { Payloads } from './payloads.js';
import type { NewSession } from './new-session.js';

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

  /** `[name, version, name, version, ...]`, in the order of `payloads`: one is made for nearly every request, and a Map costs several times as much. */
  private versions: readonly string[] = NO_VERSIONS;

  /** Until the first save: how to create the session. */
  private birth: NewSession | undefined;

  constructor(
    private readonly key: SessionKey,
    origin: SessionRecord | NewSession,
  ) {
    this.payloads = NO_PAYLOADS;
    this.lifetime = origin.lifetime;
    if ('stamp' in origin) this.adopt(origin);
    else this.birth = origin;
  }

  /** The store says what it has. */
  adopt(record: SessionRecord): void {
    const payloads = new Map<string, string>();
    const versions: string[] = [];
    for (const [name, part] of record.parts) {
      payloads.set(name, part.payload);
      versions.push(name, part.version);
    }
    this.payloads = payloads;
    this.versions = versions;
    this.lifetime = record.lifetime;
    this.times = record;
    this.stamp = record.stamp;
    this.saves = savesOf(record.stamp);
  }

  /** What to save so that the session becomes `target`. Versions guard the parts that change, and only those. */
  changeTo(target: Payloads, lifetime?: SessionLifetime, lock?: string): Omit<SessionChange, 'writeId'> {
    const { key, birth } = this;
    const parts = new Map<string, PartChange>();
    for (const [name, payload] of target) {
      if (this.payloads.get(name) !== payload) parts.set(name, { base: this.versionOf(name) ?? null, payload });
    }
    if (!birth) return { key, mode: 'update', lifetime, lock, parts };
    return { key, mode: 'create', lifetime: lifetime ?? birth.lifetime, createdAt: birth.createdAt, parts };
  }

  /** The store has accepted the change to `target`. */
  saved(target: Payloads, lifetime: SessionLifetime | undefined, stamp: string, times: SessionTimes): void {
    const versions: string[] = [];
    for (const [name, payload] of target) {
      const known = this.payloads.get(name) === payload ? this.versionOf(name, versions.length) : undefined;
      versions.push(name, known ?? stamp);
    }
    // Another server may have changed other parts in between: that is no conflict, but its stamp covers what is not known here.
    const saves = savesOf(stamp);
    const isWhole = this.birth !== undefined || (this.stamp !== undefined && saves === this.saves + 1);
    this.payloads = target;
    this.versions = versions;
    this.stamp = isWhole ? stamp : undefined;
    this.saves = saves;
    this.times = times;
    this.lifetime = lifetime ?? this.lifetime;
    this.birth = undefined;
  }

  /** @param at where its name probably stands */
  private versionOf(name: string, at = 0): string | undefined {
    const { versions } = this;
    if (versions[at] === name) return versions[at + 1];
    for (let i = 0; i < versions.length; i += 2) if (versions[i] === name) return versions[i + 1];
    return undefined;
  }

  /** Something was asked of the store and the answer is not known: what it has must be read before it is trusted again. */
  distrust(): void {
    this.stamp = undefined;
  }
}

const NO_PAYLOADS: Payloads = new Map();
const NO_VERSIONS: readonly string[] = [];

/** Stamps are `<n>.<writeId>`, n growing by one with each save. */
function savesOf(stamp: string): number {
  return Number.parseInt(stamp, 10);
}
