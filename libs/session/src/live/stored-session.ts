import type { ChangeContent } from '../store/store-gateway.js';
import type { PartChange } from '../store/session-change.js';
import type { SessionKey } from '../store/session-id.js';
import type { SessionLifetime, SessionRecord, SessionTimes } from '../store/session-record.js';
import type { SessionLocation } from '../store/session-store.js';

/** Payload per part: the state of a session at one moment. Never changed in place. */
export type Payloads = ReadonlyMap<string, string>;

/** How a session begins that this server creates. */
export interface NewSession {
  readonly lifetime: SessionLifetime;

  /** When the session really began, if it goes on under a new id. */
  readonly createdAt?: number;

  /** What the session holds already, if it goes on under a new id. */
  readonly payloads?: Payloads;
}

/** The part of a StoredSession that others read. */
export type StoredState = Readonly<
  Pick<StoredSession, 'payloads' | 'stamp' | 'lifetime' | 'times' | 'saves' | 'location'>
>;

/**
 * What the store has of one session, as far as this server knows: its state, where it is, who watches it, and when the
 * store last answered. Only answers of the store change it.
 */
export class StoredSession {
  payloads: Payloads = NO_PAYLOADS;
  lifetime: SessionLifetime;

  /** Undefined until the session is stored. */
  times: SessionTimes | undefined;

  /** Stamp of exactly these payloads; undefined when the store may have others. */
  stamp: string | undefined;

  /** How often the session had been saved when the store last answered: the first half of its stamp. 0 before. */
  saves = 0;

  /**
   * `[name, version, name, version, ...]`, in the order of `payloads`: one is made for nearly every request, and a Map
   * costs several times as much.
   */
  private versions: readonly string[] = NO_VERSIONS;

  /** Others may have changed the session since the store was asked: its answer may be from before. */
  private isDoubted = false;

  /** How to create the session; undefined once it is stored. */
  private creation: NewSession | undefined;

  /**
   * @param origin what was loaded, or how to create a session that does not exist yet
   * @param location where the session is, as the store said with the record
   * @param answeredAt by the clock of this server: when the store last answered, and thus moved the end of life if due
   */
  constructor(
    private readonly key: SessionKey,
    origin: SessionRecord | NewSession,
    public location: SessionLocation,
    public answeredAt: number,
  ) {
    this.lifetime = origin.lifetime;
    if ('stamp' in origin) this.adopt(origin);
    else this.creation = origin;
  }

  /** The store has this record. */
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

  /** The change that makes the session `target`. Versions guard the parts that change, and only those. */
  changeTo(target: Payloads, lifetime?: SessionLifetime, lock?: string): ChangeContent {
    const { key, creation } = this;
    const parts = new Map<string, PartChange>();
    for (const [name, payload] of target) {
      if (this.payloads.get(name) !== payload) parts.set(name, { base: this.versionOf(name) ?? null, payload });
    }
    if (!creation) return { key, mode: 'update', lifetime, lock, parts };
    return { key, mode: 'create', lifetime: lifetime ?? creation.lifetime, createdAt: creation.createdAt, parts };
  }

  /** The store has accepted the change to `target`. */
  saved(target: Payloads, lifetime: SessionLifetime | undefined, stamp: string, times: SessionTimes): void {
    const versions: string[] = [];
    for (const [name, payload] of target) {
      const known = this.payloads.get(name) === payload ? this.versionOf(name, versions.length) : undefined;
      versions.push(name, known ?? stamp);
    }
    // Changes of other parts by another server are no conflict, but then the stamp covers parts unknown here.
    const saves = savesOf(stamp);
    const isWhole = this.creation !== undefined || (this.stamp !== undefined && saves === this.saves + 1);
    this.payloads = target;
    this.versions = versions;
    this.stamp = isWhole ? stamp : undefined;
    this.saves = saves;
    this.times = times;
    this.lifetime = lifetime ?? this.lifetime;
    this.creation = undefined;
  }

  /** A load or save is about to be sent; one at a time. */
  isAsked(): void {
    this.isDoubted = false;
  }

  /** The store has answered: the session is there, and its end of life has moved if that was due. */
  noteAnswer(location: SessionLocation, now: number): void {
    this.answeredAt = now;
    this.locate(location);
  }

  /** Notes where the session is and who watches it, as the answer of the store says. */
  locate({ locator, watch }: SessionLocation): void {
    this.location = { locator, watch: this.isDoubted ? undefined : watch };
  }

  /**
   * Others may have changed the session: this copy is not trusted until the store is asked. That holds for a load or
   * save under way, too, whose answer may be from before and yet arrive later.
   */
  untrustWatch(): void {
    this.isDoubted = true;
    this.location = { ...this.location, watch: undefined };
  }

  /** An answer of the store is missing: what it has must be read before its stamp is trusted again. */
  forgetStamp(): void {
    this.stamp = undefined;
  }

  /** @param at where the name probably stands */
  private versionOf(name: string, at = 0): string | undefined {
    const { versions } = this;
    if (versions[at] === name) return versions[at + 1];
    for (let i = 0; i < versions.length; i += 2) if (versions[i] === name) return versions[i + 1];
    return undefined;
  }
}

const NO_PAYLOADS: Payloads = new Map();
const NO_VERSIONS: readonly string[] = [];

/** Stamps are `<n>.<writeId>`, n growing by one with each save. */
function savesOf(stamp: string): number {
  return Number.parseInt(stamp, 10);
}
