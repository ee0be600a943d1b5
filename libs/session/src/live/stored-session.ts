import type { Clock } from '../store/clock.js';
import type { ChangeContent } from '../store/store-gateway.js';
import type { PartChange, SessionRenewal } from '../store/session-change.js';
import type { ClientAccess } from '../store/session-id.js';
import {
  type SessionIdentity,
  type SessionLifetime,
  type SessionRecord,
  type SessionTimes,
  type StoredPart,
  savesOf,
  sessionExpiry,
} from '../store/session-record.js';
import type { SessionLocation } from '../store/session-store.js';
import { SharedLifetime } from '../store/shared-lifetime.js';
import { endAfter, endBefore, isAnotherStep, keptForMs } from './end-of-life.js';

/** Payload per part: the state of a session at one moment. Never changed in place. */
export type Payloads = ReadonlyMap<string, string>;

/**
 * The parts that go on after a login.
 * @param keep their names; undefined: all
 */
export function keptParts(payloads: Payloads, keep: readonly string[] | undefined): Payloads {
  return keep ? new Map([...payloads].filter(([name]) => keep.includes(name))) : payloads;
}

/** How a session begins that this server creates. */
export interface NewSession {
  readonly lifetime: SessionLifetime;

  /** The principal who logs in with it. */
  readonly principal?: string | undefined;

  /** How many sessions the principal may have with this one. */
  readonly mostSessions?: number | undefined;

  /** What the session holds from the start, though nothing of it is stored yet. */
  readonly payloads?: Payloads;
}

export interface StoredSessionSettings {
  readonly clock: Clock;

  /** Clients keep their id for as long as the session lives, so they are told for how long that is. */
  readonly tellsEndOfLife?: boolean;
}

/** The part of a StoredSession that others read. */
export type StoredState = Readonly<
  Pick<
    StoredSession,
    | 'payloads'
    | 'stamp'
    | 'lifetime'
    | 'times'
    | 'saves'
    | 'location'
    | 'identity'
    | 'msSinceLogin'
    | 'isIdleFor'
    | 'changeTo'
    | 'renewed'
    | 'isNext'
    | 'isEndUntold'
    | 'keptForMs'
  >
>;

/**
 * What the store has of one session, as far as this server knows: its state, where it is, who watches it, and when the
 * store last answered. Only answers of the store change it.
 */
export class StoredSession {
  payloads: Payloads = NO_PAYLOADS;
  lifetime: SessionLifetime;

  /** Whose it is. Never changes: a session that gets a new id is another one to this server. */
  identity: SessionIdentity;

  /** Undefined until the session is stored. */
  times: SessionTimes | undefined;

  /** The end of life has moved, and clients are told, but none was by this server: see end-of-life.ts. */
  isEndUntold = false;

  /** Stamp of exactly these payloads; undefined when the store may have others. */
  stamp: string | undefined;

  /** How often the session had been saved when the store last answered: the first half of its stamp. 0 before. */
  saves = 0;

  /** When the store last answered, and thus moved the end of life if that was due. By the clock of this server. */
  private answeredAt: number;

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
   */
  constructor(
    private readonly access: ClientAccess,
    origin: SessionRecord | NewSession,
    public location: SessionLocation,
    private readonly settings: StoredSessionSettings,
  ) {
    this.answeredAt = this.now();
    this.lifetime = origin.lifetime;
    if ('stamp' in origin) {
      const { generation, logins, principal } = origin;
      // Not the text of the record, which is a piece of a larger one that would stay in memory with it.
      this.identity = { proof: access.proof, generation, logins, principal };
      this.adopt(origin);
    } else {
      const { principal } = origin;
      this.identity = { proof: access.proof, generation: 0, logins: principal === undefined ? 0 : 1, principal };
      this.creation = origin;
    }
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
    // An array that grew keeps room for more, its copy does not.
    this.versions = versions.slice();
    this.lifetime = lifetimes.of(record.lifetime);
    const { createdAt, authenticatedAt, lastAccessedAt, expiresAt, joined, confirmed, era } = record;
    // Without the rest of the record, which has its own texts of the parts.
    this.adoptTimes({ createdAt, authenticatedAt, lastAccessedAt, expiresAt, joined, confirmed, era });
    this.stamp = record.stamp;
    this.saves = savesOf(record.stamp);
  }

  /** The store has answered to a load with these times. */
  adoptTimes(times: SessionTimes): void {
    this.times = times;
    if (this.settings.tellsEndOfLife) this.endMoved(endBefore(times, this.lifetime));
  }

  /**
   * The change that makes the session `target`. Versions guard the parts that change, and only those.
   * @param renewal gives the session a new id with it
   */
  changeTo(target: Payloads, lifetime?: SessionLifetime, lock?: string, renewal?: SessionRenewal): ChangeContent {
    const { access, creation } = this;
    const parts = new Map<string, PartChange>();
    for (const [name, payload] of target) {
      const isKept = renewal?.keep === undefined || renewal.keep.includes(name);
      if (isKept && this.payloads.get(name) === payload) continue;
      parts.set(name, { base: (isKept ? this.versionOf(name) : undefined) ?? null, payload });
    }
    if (!creation) {
      const { locator, copy } = this.location;
      return { mode: 'update', access, renewal, lifetime, locator, copy, lock, parts };
    }
    const { key, proof } = access;
    return {
      mode: 'create',
      key,
      proof,
      principal: creation.principal,
      mostSessions: creation.mostSessions,
      lifetime: lifetime ?? creation.lifetime,
      parts,
    };
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
    const isWhole = this.creation !== undefined || this.isNext(stamp);
    this.payloads = target;
    this.versions = versions.slice();
    this.stamp = isWhole ? stamp : undefined;
    this.saves = saves;
    const before = this.settings.tellsEndOfLife && this.times && endAfter(this.times, this.lifetime);
    this.times = times;
    this.lifetime = lifetime ?? this.lifetime;
    if (before) this.endMoved(before);
    this.creation = undefined;
  }

  /**
   * The record of the session under its new id, after the store has accepted the change to `target` with a renewal.
   * @param lifetime the new one, if it has changed
   */
  renewed(
    { proof, principal = this.identity.principal }: SessionRenewal,
    target: Payloads,
    lifetime: SessionLifetime | undefined,
    { stamp, times }: { readonly stamp: string; readonly times: SessionTimes },
  ): SessionRecord {
    const { generation, logins } = this.identity;
    const parts = new Map<string, StoredPart>();
    for (const [name, payload] of target) {
      const version = this.payloads.get(name) === payload ? this.versionOf(name) : undefined;
      parts.set(name, { version: version ?? stamp, payload });
    }
    return {
      ...times,
      proof,
      generation: generation + 1,
      logins: principal === this.identity.principal ? logins : logins + 1,
      principal,
      stamp,
      lifetime: lifetime ?? this.lifetime,
      parts,
    };
  }

  /** Whether a save with this stamp comes right after the state that is known here, so that nothing else is stored. */
  isNext(stamp: string): boolean {
    return this.stamp !== undefined && savesOf(stamp) === this.saves + 1;
  }

  /** A load or save is about to be sent; one at a time. */
  isAsked(): void {
    this.isDoubted = false;
  }

  /** The store was told that the session is in use; its answer has no times. */
  touched(): void {
    const { times, lifetime } = this;
    if (times) {
      const passedMs = this.now() - this.answeredAt;
      const before = endAfter(times, lifetime);
      const lastAccessedAt = before - lifetime.idleTimeoutMs + passedMs;
      const moved = { ...times, lastAccessedAt };
      this.times = { ...moved, expiresAt: sessionExpiry(moved, lifetime) };
      if (this.settings.tellsEndOfLife) this.endMoved(before);
    }
    this.noteAnswer();
  }

  /** A client that is told now keeps the id for this long, in ms; undefined where clients are not told. */
  get keptForMs(): number | undefined {
    if (!this.settings.tellsEndOfLife || !this.times) return undefined;
    return keptForMs(this.times, this.lifetime, this.now());
  }

  /** The store has answered: the session is there, and its end of life has moved if that was due. */
  noteAnswer(location: SessionLocation = this.location): void {
    this.answeredAt = this.now();
    this.locate(location);
  }

  /** Whether the store has not answered for that long. */
  isIdleFor(ms: number): boolean {
    return this.now() - this.answeredAt >= ms;
  }

  /**
   * How long ago its principal has logged in, in ms, by the clock of this server, while the store's says when that was.
   * Undefined where nobody is logged in.
   */
  get msSinceLogin(): number | undefined {
    const { authenticatedAt } = this.times ?? {};
    return authenticatedAt === undefined ? undefined : this.now() - authenticatedAt;
  }

  /** Notes where the session is and who watches it, as the answer of the store says. */
  locate({ locator, watch, copy = this.location.copy }: SessionLocation): void {
    this.location = { locator, watch: this.isDoubted ? undefined : watch, copy };
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

  private endMoved(before: number): void {
    const { times, lifetime } = this;
    if (times && isAnotherStep(before, endAfter(times, lifetime), lifetime)) this.isEndUntold = true;
  }

  private now(): number {
    return this.settings.clock.now();
  }

  /** @param at where the name probably stands */
  private versionOf(name: string, at = 0): string | undefined {
    const { versions } = this;
    if (versions[at] === name) return versions[at + 1];
    for (let i = 0; i < versions.length; i += 2) if (versions[i] === name) return versions[i + 1];
    return undefined;
  }
}

/** Nearly all sessions have the same lifetime. */
const lifetimes = new SharedLifetime();

const NO_PAYLOADS: Payloads = new Map();
const NO_VERSIONS: readonly string[] = [];
