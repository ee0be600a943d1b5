import type { EvictableEntry, SessionRank } from '../heap/evicting-table.js';
import {
  type AccessCheck,
  type IdentityHistory,
  checkAccess,
  newHistory,
  renewedHistory,
} from '../heap/identity-history.js';
import { type PackedParts, recordOf } from '../heap/packed-parts.js';
import { sessionBytes } from '../heap/session-bytes.js';
import type { SessionCreation, SessionRenewal } from '../session-change.js';
import { type SessionAccess, type SessionKey, ownText } from '../session-id.js';
import {
  savesOf,
  sessionExpiry,
  type SessionLifetime,
  type SessionRecord,
  type SessionTimes,
  stampAfter,
} from '../session-record.js';

/** [S5] How many saves before the last one are recognised when they are sent again. */
const EARLIER_STAMPS = 7;

/** One session of the memory store: one small object, most of whose fields are shared or numbers. */
export class MemorySession implements EvictableEntry<MemorySession> {
  readonly key: SessionKey;
  slot = 0;
  previous: MemorySession | undefined = undefined;
  next: MemorySession | undefined = undefined;
  older: MemorySession | undefined = undefined;
  newer: MemorySession | undefined = undefined;
  listedAs: SessionRank = 'unjoined';

  joined = false;
  confirmed = false;
  bytes: number;
  lastAccessedAt: number;
  createdAt: number;
  private proof: string;
  private history: IdentityHistory;

  /**
   * Stamps of saves 1 to 7 in their order; then each takes the place of the one seven saves before. Most sessions have
   * none or few.
   */
  private earlierStamps: string[] | undefined = undefined;

  constructor(
    { key, proof, principal }: SessionCreation,
    public stamp: string,
    public lifetime: SessionLifetime,
    public parts: PackedParts,
    now: number,
  ) {
    this.key = ownText(key);
    this.proof = ownText(proof);
    this.history = newHistory(principal, now);
    this.createdAt = now;
    this.lastAccessedAt = now;
    this.bytes = sessionBytes(parts);
  }

  get principal(): string | undefined {
    return this.history.principal;
  }

  get authenticatedAt(): number | undefined {
    return this.history.authenticatedAt;
  }

  get expiresAt(): number {
    return sessionExpiry(this, this.lifetime);
  }

  get rank(): SessionRank {
    if (this.history.principal === undefined) return this.joined ? 'anonymous' : 'unjoined';
    return this.joined ? 'principal' : 'login';
  }

  /** Half of the time without a request after which it would end. */
  get idleFrom(): number {
    return this.lastAccessedAt + this.lifetime.idleTimeoutMs / 2;
  }

  get times(): SessionTimes {
    const { createdAt, authenticatedAt, lastAccessedAt, expiresAt, joined, confirmed } = this;
    return { createdAt, authenticatedAt, lastAccessedAt, expiresAt, joined, confirmed };
  }

  /** @param times as the caller is told them; see [L5] */
  recordAt(times: SessionTimes): SessionRecord {
    const { proof, history, stamp, lifetime, parts } = this;
    return recordOf({ proof, history, stamp, lifetime, parts }, times);
  }

  check(access: SessionAccess, now: number): AccessCheck {
    return checkAccess(this.proof, this.history, access, now);
  }

  nextStamp(writeId: string): string {
    return stampAfter(this.stamp, writeId);
  }

  /** The stamp that the save with this write id got, if it was one of the last eight. */
  stampOf(writeId: string): string | undefined {
    const last = writeId.charCodeAt(writeId.length - 1);
    // Nearly all write ids differ in their last character already.
    const isIts = (stamp: string): boolean =>
      stamp.charCodeAt(stamp.length - 1) === last && stamp.endsWith(writeId) && stamp.at(-writeId.length - 1) === '.';
    return isIts(this.stamp) ? this.stamp : this.earlierStamps?.find(isIts);
  }

  applySave(stamp: string, parts: PackedParts): void {
    const { earlierStamps } = this;
    // Neither push nor a spread: an array that grew has room for 17.
    if (earlierStamps?.length === EARLIER_STAMPS)
      earlierStamps[(savesOf(this.stamp) - 1) % EARLIER_STAMPS] = this.stamp;
    else this.earlierStamps = (earlierStamps ?? []).concat(this.stamp);
    this.stamp = stamp;
    this.parts = parts;
  }

  /** [I3] [I14] */
  renew(renewal: SessionRenewal, now: number): void {
    const { history, proof } = this;
    this.history = renewedHistory(history, proof, renewal, now);
    this.proof = ownText(renewal.proof);
    this.confirmed = false;
    if (history.principal !== undefined && this.history.logins > history.logins) this.createdAt = now;
  }
}
