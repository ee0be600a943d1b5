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

/** Anonymous sessions in use that the search for idle ones passes by, since lifetimes differ. */
const MOST_PASSED_BY = 100;

/**
 * Whose a session is, as far as room goes: of a client that never came back (`unjoined`), of one that did
 * (`anonymous`), of a user who has logged in to a new session and did not come back yet (`login`), or who did
 * (`principal`).
 */
export type SessionRank = 'unjoined' | 'anonymous' | 'login' | 'principal';

/** The rank of a session. */
export function rankOf(principal: string | undefined, joined: boolean): SessionRank {
  if (principal === undefined) return joined ? 'anonymous' : 'unjoined';
  return joined ? 'principal' : 'login';
}

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
 * 3. for the session of a user only: the other anonymous sessions in the same order, then those of users who have
 *    logged in and did not come back yet, the oldest first.
 *
 * The session of a user who came back is somebody's login: it goes for nobody. So a stranger who fills the table costs
 * other strangers their sessions, and no user theirs. None goes where that would not make enough room.
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
  private readonly lists = {
    unjoined: new RecencyList<T>(),
    anonymous: new RecencyList<T>(),
    login: new RecencyList<T>(),
    principal: undefined,
  } as const;

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
    const bound = this.passedBound(left);
    const going = bound && this.sessionsToGo(left, now);
    if (!going) return bound;
    for (const each of going) this.remove(each);
    this.evicted += going.length;
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
    this.lists[entry.listedAs]?.add(entry);
  }

  private unlist(entry: T): void {
    this.lists[entry.listedAs]?.remove(entry);
  }

  private passedBound({ entry, bytes }: RoomRequest<T>): keyof TableBounds | undefined {
    if (!entry && this.entries.size >= this.bounds.maxSessions) return 'maxSessions';
    const growth = bytes - (entry?.bytes ?? 0);
    return growth > 0 && this.excess(entry, growth) > 0 ? 'maxBytes' : undefined;
  }

  /** Bytes that are missing for the growth. */
  private excess(entry: T | undefined, growth: number): number {
    const { maxBytes } = this.bounds;
    return this.usedBytes + growth - (entry ? maxBytes : BYTES_FOR_NEW_SESSIONS * maxBytes);
  }

  /** @returns undefined where not enough may go */
  private sessionsToGo({ entry, rank, bytes }: RoomRequest<T>, now: number): T[] | undefined {
    const going: T[] = [];
    let excess = this.excess(entry, bytes - (entry?.bytes ?? 0));
    let places = entry ? 1 : this.bounds.maxSessions - this.entries.size;
    for (const each of this.candidates(rank === 'login' || rank === 'principal', now)) {
      if (each === entry) continue;
      going.push(each);
      excess -= each.bytes;
      places++;
      if (excess <= 0 && places > 0) return going;
    }
    return undefined;
  }

  private *candidates(isForUser: boolean, now: number): IterableIterator<T> {
    const { unjoined, anonymous, login } = this.lists;
    yield* unjoined;
    let passedBy = 0;
    for (const each of anonymous) {
      if (isForUser || each.idleFrom <= now) yield each;
      else if (++passedBy === MOST_PASSED_BY) break;
    }
    if (isForUser) yield* login;
  }
}
