import type { SessionKey } from '../session-id.js';
import { ExpiryWheel, type WheelEntry } from './expiry-wheel.js';

/** Share of `maxBytes` that new sessions may use. The rest is for living ones to grow. */
const BYTES_FOR_NEW_SESSIONS = 0.9;

/** Entries that one sweep looks at, unless the caller says otherwise. It keeps a sweep below a few milliseconds. */
const MOST_PER_SWEEP = 5_000;

/** Limits of a {@link BoundedTable}. */
export interface TableBounds {
  readonly maxSessions: number;
  readonly maxBytes: number;
}

/** An entry of a {@link BoundedTable}: a session as a store keeps it. */
export interface TableEntry<T> extends WheelEntry<T> {
  readonly key: SessionKey;

  /** Size of the entry as `sessionBytes` counts it. In a table, only {@link BoundedTable.resize} changes it. */
  bytes: number;
}

/**
 * The sessions of a store that keeps them in this process, bounded by number and by bytes.
 *
 * It gives up no session before its time; `EvictingTable` does. A store asks `boundAgainst` before it adds a session or
 * lets one grow, and refuses the change when a bound stands against it. Expired sessions are freed in slices: by
 * `sweep`, which the store calls now and then, and by `boundAgainst` when room is needed.
 *
 * @example
 * ```ts
 * const bound = table.boundAgainst(undefined, session.bytes, now);
 * if (bound) throw new Error(`the store is full: ${bound} would be passed`);
 * table.add(session);
 * ```
 */
export class BoundedTable<T extends TableEntry<T>> {
  private readonly entries = new Map<SessionKey, T>();
  private readonly wheel: ExpiryWheel<T>;
  private usedBytes = 0;
  private readonly reserved = { sessions: 0, bytes: 0 };

  /**
   * @param now ms since 1970
   * @param onRemoved called with each entry that has left the table, also with those that expired
   * @param onExpired called with each entry that a sweep has found expired, after it has left
   */
  constructor(
    protected readonly bounds: TableBounds,
    now: number,
    private readonly onRemoved: (entry: T) => void = () => undefined,
    private readonly onExpired: (entry: T) => void = () => undefined,
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
   * The bound that would be passed. Frees expired sessions first, in one slice: a client that is refused must not be
   * able to keep the store busy.
   *
   * @param entry the entry that would change its size; undefined for a new one
   * @param bytes size that it would have
   */
  boundAgainst(entry: T | undefined, bytes: number, now: number): keyof TableBounds | undefined {
    if (!this.passedBound(entry, bytes)) return undefined;
    this.sweep(now);
    // The sweep may have removed the entry.
    const left = entry && this.entries.get(entry.key) === entry ? entry : undefined;
    return this.passedBound(left, bytes);
  }

  /** The key must not be in the table. */
  add(entry: T): void {
    this.entries.set(entry.key, entry);
    this.usedBytes += entry.bytes;
    this.wheel.add(entry);
  }

  /**
   * Keeps room for a state that comes into the table later, or never. Until then it counts against the bounds, so that
   * of many that are under way at a time none passes them.
   *
   * @param entry the entry that will change its size; undefined for a new one
   * @returns gives the room back: call it once, when the state is put into the table or given up
   */
  reserve(entry: T | undefined, bytes: number): () => void {
    const sessions = entry ? 0 : 1;
    const more = Math.max(0, bytes - (entry?.bytes ?? 0));
    this.reserved.sessions += sessions;
    this.reserved.bytes += more;
    return () => {
      this.reserved.sessions -= sessions;
      this.reserved.bytes -= more;
    };
  }

  resize(entry: T, bytes: number): void {
    this.usedBytes += bytes - entry.bytes;
    entry.bytes = bytes;
  }

  /** Call it after the end of an entry may have come nearer. It costs nothing when it did not. */
  reschedule(entry: T): void {
    this.wheel.reschedule(entry);
  }

  remove(entry: T): void {
    this.wheel.remove(entry);
    this.forget(entry);
  }

  /** Frees sessions that have expired, looking at no more than `limit` entries. */
  sweep(now: number, limit: number = MOST_PER_SWEEP): void {
    this.wheel.sweep(now, limit, this.expire);
  }

  private readonly expire = (entry: T): void => {
    this.forget(entry);
    this.onExpired(entry);
  };

  private readonly forget = (entry: T): void => {
    this.entries.delete(entry.key);
    this.usedBytes -= entry.bytes;
    this.left(entry);
  };

  /** The entry is not in the table any more. */
  protected left(entry: T): void {
    this.onRemoved(entry);
  }

  /** How many bytes would be too many if the entry had this size. */
  protected excess(entry: T | undefined, bytes: number): number {
    const { maxBytes } = this.bounds;
    return (
      this.usedBytes +
      this.reserved.bytes +
      bytes -
      (entry ? entry.bytes + maxBytes : BYTES_FOR_NEW_SESSIONS * maxBytes)
    );
  }

  /** How many more sessions fit. */
  protected get places(): number {
    return this.bounds.maxSessions - this.entries.size - this.reserved.sessions;
  }

  private passedBound(entry: T | undefined, bytes: number): keyof TableBounds | undefined {
    if (!entry && this.places <= 0) return 'maxSessions';
    return bytes > (entry?.bytes ?? 0) && this.excess(entry, bytes) > 0 ? 'maxBytes' : undefined;
  }
}
