import type { SessionKey } from '../session-id.js';
import { ExpiryWheel, type WheelEntry } from './expiry-wheel.js';
import { type RecencyEntry, RecencyList } from './recency-list.js';

/** Share of `maxBytes` that new sessions may use. The rest is for living ones to grow. */
const BYTES_FOR_NEW_SESSIONS = 0.9;

/** Entries that one sweep looks at, unless the caller says otherwise. It keeps a sweep below a few milliseconds. */
const MOST_PER_SWEEP = 5_000;

/** Limits of a {@link BoundedTable}. */
export interface TableBounds {
  readonly maxSessions: number;
  readonly maxBytes: number;
}

/**
 * Whose a session is, as far as room goes: of a client that never came back (`unjoined`), of one that did
 * (`anonymous`), or of a user who is logged in (`principal`).
 */
export type SessionRank = 'unjoined' | 'anonymous' | 'principal';

/** An entry of a {@link BoundedTable}: a session as a store keeps it. */
export interface TableEntry<T> extends WheelEntry<T>, RecencyEntry<T> {
  readonly key: SessionKey;

  /** Size of the entry as `sessionBytes` counts it. In a table, only {@link BoundedTable.resize} changes it. */
  bytes: number;

  /** It may change at any time. Call {@link BoundedTable.used} then. */
  readonly rank: SessionRank;

  /** Ms since 1970: from then on it counts as idle, unless it is used before. */
  readonly idleFrom: number;

  /** The rank under which the table has it. It belongs to the table. */
  listedAs: SessionRank;
}

/** A session that is not in the table yet, or will be larger. */
export interface RoomRequest<T> {
  /** Its entry; undefined for a new session. */
  readonly entry: T | undefined;

  readonly rank: SessionRank;

  /** The size that it would have. */
  readonly bytes: number;
}

/** When a session counts as idle: half of the time without a request after which it would end. */
export function idleFrom(lastAccessedAt: number, { idleTimeoutMs }: { readonly idleTimeoutMs: number }): number {
  return lastAccessedAt + idleTimeoutMs / 2;
}

/**
 * The sessions of a store that keeps them in this process, bounded by number and by bytes.
 *
 * A store calls `makeRoom` before it adds a session or lets one grow, and refuses the change when a bound stands
 * against it. `makeRoom` frees sessions that have expired, and then, in this order:
 * 1. sessions of clients that never came back, the oldest first;
 * 2. anonymous sessions that are idle, the one first that was not used for the longest time;
 * 3. for the session of a principal only: the other anonymous sessions in the same order.
 *
 * The session of a principal is somebody's login: it goes for nobody. So a stranger who fills the table costs other
 * strangers their sessions, and no user theirs.
 *
 * Expired sessions are also freed in slices by `sweep`, which the store calls now and then.
 *
 * @example
 * ```ts
 * const bound = table.makeRoom({ entry: undefined, rank: session.rank, bytes: session.bytes }, now);
 * if (bound) throw new Error(`the store is full: ${bound} would be passed`);
 * table.add(session);
 * ```
 */
export class BoundedTable<T extends TableEntry<T>> {
  private readonly entries = new Map<SessionKey, T>();
  private readonly wheel: ExpiryWheel<T>;
  private usedBytes = 0;

  /** Those that may have to go when room is short, by when they were used last. */
  private readonly unjoined = new RecencyList<T>();
  private readonly anonymous = new RecencyList<T>();

  /** Bytes of the sessions of principals. */
  private principalBytes = 0;

  /** Sessions that had to go before their time, since the table was made. */
  evicted = 0;

  /**
   * @param now ms since 1970
   * @param onRemoved called with each entry that has left the table, also with those that expired
   */
  constructor(
    private readonly bounds: TableBounds,
    now: number,
    private readonly onRemoved: (entry: T) => void = () => undefined,
  ) {
    this.wheel = new ExpiryWheel(now);
  }

  /** Includes sessions that have expired and were not freed yet. */
  get size(): number {
    return this.entries.size;
  }

  get bytes(): number {
    return this.usedBytes;
  }

  /** How much of the bound that is nearest is in use, 0 to 1; more where renewals have passed it. */
  get filled(): number {
    const { maxSessions, maxBytes } = this.bounds;
    return Math.max(this.entries.size / maxSessions, this.usedBytes / (BYTES_FOR_NEW_SESSIONS * maxBytes));
  }

  /** Also finds an entry that has expired and was not freed yet. */
  get(key: SessionKey): T | undefined {
    return this.entries.get(key);
  }

  values(): IterableIterator<T> {
    return this.entries.values();
  }

  /**
   * Makes room for a session that is new or grows, as the description of the class says. Expired sessions are freed in
   * one slice: a client that is refused must not be able to keep the store busy.
   *
   * @returns the bound that would be passed nevertheless
   */
  makeRoom(request: RoomRequest<T>, now: number): keyof TableBounds | undefined {
    if (!this.passedBound(request)) return undefined;
    this.sweep(now);
    const { entry, rank, bytes } = request;
    // The sweep may have removed the entry.
    const left = { entry: entry && this.entries.get(entry.key) === entry ? entry : undefined, rank, bytes };
    for (let bound = this.passedBound(left); bound; bound = this.passedBound(left)) {
      const first = this.mayHelp(left) ? this.firstToGo(left, now) : undefined;
      if (!first) return bound;
      this.evicted++;
      this.remove(first);
    }
    return undefined;
  }

  /** The key must not be in the table. */
  add(entry: T): void {
    this.entries.set(entry.key, entry);
    this.usedBytes += entry.bytes;
    this.wheel.add(entry);
    this.list(entry);
  }

  resize(entry: T, bytes: number): void {
    this.usedBytes += bytes - entry.bytes;
    if (entry.listedAs === 'principal') this.principalBytes += bytes - entry.bytes;
    entry.bytes = bytes;
  }

  /** Call it after an entry was used, and after its end may have come nearer, or its rank has changed. */
  used(entry: T): void {
    this.wheel.reschedule(entry);
    this.unlist(entry);
    this.list(entry);
  }

  remove(entry: T): void {
    this.wheel.remove(entry);
    this.forget(entry);
  }

  /** Frees sessions that have expired, looking at no more than `limit` entries. */
  sweep(now: number, limit: number = MOST_PER_SWEEP): void {
    this.wheel.sweep(now, limit, this.forget);
  }

  private readonly forget = (entry: T): void => {
    this.entries.delete(entry.key);
    this.unlist(entry);
    this.usedBytes -= entry.bytes;
    this.onRemoved(entry);
  };

  private list(entry: T): void {
    entry.listedAs = entry.rank;
    if (entry.listedAs === 'principal') this.principalBytes += entry.bytes;
    else this[entry.listedAs].add(entry);
  }

  private unlist(entry: T): void {
    if (entry.listedAs === 'principal') this.principalBytes -= entry.bytes;
    else this[entry.listedAs].remove(entry);
  }

  private passedBound({ entry, bytes }: RoomRequest<T>): keyof TableBounds | undefined {
    const { maxSessions } = this.bounds;
    if (!entry && this.entries.size >= maxSessions) return 'maxSessions';
    const growth = bytes - (entry?.bytes ?? 0);
    return growth > 0 && this.usedBytes + growth > this.limitOf(entry) ? 'maxBytes' : undefined;
  }

  private limitOf(entry: T | undefined): number {
    return entry ? this.bounds.maxBytes : BYTES_FOR_NEW_SESSIONS * this.bounds.maxBytes;
  }

  /** False for a session that would not fit if all anonymous ones were gone: none of them goes for nothing. */
  private mayHelp({ entry, bytes }: RoomRequest<T>): boolean {
    const own = entry?.listedAs === 'principal' ? entry.bytes : 0;
    return this.principalBytes - own + bytes <= this.limitOf(entry);
  }

  private firstToGo({ entry, rank }: RoomRequest<T>, now: number): T | undefined {
    const stranger = oldestBut(this.unjoined, entry);
    if (stranger) return stranger;
    const visitor = oldestBut(this.anonymous, entry);
    return visitor && (rank === 'principal' || visitor.idleFrom <= now) ? visitor : undefined;
  }
}

function oldestBut<T extends RecencyEntry<T>>({ oldest }: RecencyList<T>, spared: T | undefined): T | undefined {
  return oldest === spared ? oldest?.newer : oldest;
}
