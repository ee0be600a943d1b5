import { sessionExpiry, type SessionLifetime, type SessionRecord, type SessionTimes } from '../session-record.js';
import type { SessionKey } from '../session-id.js';
import type { TableEntry } from '../heap/bounded-table.js';
import { type PackedParts, unpackParts } from '../heap/packed-parts.js';
import { sessionBytes } from '../heap/session-bytes.js';

/** [S5] How many saves before the last one are recognised when they are sent again. */
const EARLIER_STAMPS = 7;

/** One session of the memory store: one small object, most of whose fields are shared or numbers. */
export class MemorySession implements TableEntry<MemorySession> {
  slot = 0;
  previous: MemorySession | undefined = undefined;
  next: MemorySession | undefined = undefined;

  joined = false;
  bytes: number;

  /**
   * Stamps of saves 1 to 7 in their order; then each takes the place of the one seven saves before. Most sessions have
   * none or few.
   */
  private earlierStamps: string[] | undefined = undefined;

  constructor(
    readonly key: SessionKey,
    public stamp: string,
    public lifetime: SessionLifetime,
    public parts: PackedParts,
    readonly createdAt: number,
    public lastAccessedAt: number,
  ) {
    this.bytes = sessionBytes(parts);
  }

  get expiresAt(): number {
    return sessionExpiry(this, this.lifetime);
  }

  get times(): SessionTimes {
    const { createdAt, lastAccessedAt, expiresAt, joined } = this;
    return { createdAt, lastAccessedAt, expiresAt, joined };
  }

  get record(): SessionRecord {
    const { createdAt, lastAccessedAt, expiresAt, joined, stamp, lifetime, parts } = this;
    return { createdAt, lastAccessedAt, expiresAt, joined, stamp, lifetime, parts: unpackParts(parts) };
  }

  nextStamp(writeId: string): string {
    return `${this.saves + 1}.${writeId}`;
  }

  private get saves(): number {
    return Number.parseInt(this.stamp, 10);
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
    const { earlierStamps, saves } = this;
    // Not push: an array that grew has room for 17.
    if (earlierStamps?.length === EARLIER_STAMPS) earlierStamps[(saves - 1) % EARLIER_STAMPS] = this.stamp;
    else this.earlierStamps = [...(earlierStamps ?? []), this.stamp];
    this.stamp = stamp;
    this.parts = parts;
  }
}
