import { sessionExpiry } from '../session-expiry.js';
import type { SessionKey } from '../session-key.js';
import type { SessionLifetime } from '../session-lifetime.js';
import type { SessionRecord, SessionTimes } from '../session-record.js';
import type { WheelEntry } from '../heap/expiry-wheel.js';
import { type PackedParts, unpackParts } from '../heap/packed-parts.js';
import { sessionBytes } from '../heap/session-bytes.js';

/** [S5] How many saves before the last one are recognised when they are sent again. */
const EARLIER_STAMPS = 7;

/** One session of the memory store: one small object, most of whose fields are shared or numbers. */
export class MemorySession implements WheelEntry<MemorySession> {
  slot = 0;
  previous: MemorySession | undefined = undefined;
  next: MemorySession | undefined = undefined;

  joined = false;
  bytes: number;

  /** Oldest first; most sessions have none or few. */
  private earlierStamps: readonly string[] | undefined = undefined;

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
    return `${Number.parseInt(this.stamp, 10) + 1}.${writeId}`;
  }

  /** The stamp that the save with this write id got, if it was one of the last. */
  stampOf(writeId: string): string | undefined {
    const last = writeId.charCodeAt(writeId.length - 1);
    // Nearly all differ in their last character already.
    const isIts = (stamp: string): boolean =>
      stamp.charCodeAt(stamp.length - 1) === last && stamp.endsWith(writeId) && stamp.at(-writeId.length - 1) === '.';
    return isIts(this.stamp) ? this.stamp : this.earlierStamps?.find(isIts);
  }

  applySave(stamp: string, parts: PackedParts, bytes: number): void {
    // Not push: an array that grew has room for 17.
    this.earlierStamps = (this.earlierStamps ?? []).slice(1 - EARLIER_STAMPS).concat(this.stamp);
    this.stamp = stamp;
    this.parts = parts;
    this.bytes = bytes;
  }
}
