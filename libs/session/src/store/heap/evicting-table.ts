import { BoundedTable, type TableBounds, type TableEntry } from './bounded-table.js';
import { type RecencyEntry, RecencyList } from '../recency-list.js';

/** Sessions that may not go now, and that a search passes by before it gives up. */
const MOST_PASSED_BY = 100;

/**
 * An entry moves to the end of its list once in each slice of so many ms. To move it at each use made a write 1 us
 * dearer, since that touches four other objects. Timeouts are minutes: nobody could tell the order from the exact one.
 */
const ORDER_MS = 10_000;

/**
 * Whose a session is, as far as room goes: of a client that never came back (`unjoined`), of one that did
 * (`anonymous`), of a user who has logged in to a new session and did not come back yet (`login`), or who did
 * (`principal`).
 */
export type SessionRank = 'unjoined' | 'anonymous' | 'login' | 'principal';

/** An entry of an {@link EvictingTable}. */
export interface EvictableEntry<T> extends TableEntry<T>, RecencyEntry<T> {
  /** It may change at any time. Call {@link EvictingTable.used} then. */
  readonly rank: SessionRank;

  /** When it was used last, in ms since 1970. */
  readonly lastAccessedAt: number;

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

/**
 * A table that makes room for new sessions, and for those that grow. When no expired session can be freed, these go:
 * 1. sessions of clients that never came back, the oldest first;
 * 2. anonymous sessions that are idle, the one first that was not used for the longest time, give or take ten seconds;
 * 3. for the session of a user only: the other anonymous sessions in the same order, then those of users who have
 *    logged in and did not come back yet, the oldest first.
 *
 * The session of a user who came back is somebody's login: it goes for nobody. So a stranger who fills the table costs
 * other strangers their sessions, and no user theirs. None goes where that would not make enough room.
 *
 * @example
 * ```ts
 * const bound = table.makeRoom({ entry: undefined, rank: session.rank, bytes: session.bytes }, now);
 * if (bound) throw new Error(`the store is full: ${bound} would be passed`);
 * table.add(session);
 * ```
 */
export class EvictingTable<T extends EvictableEntry<T>> extends BoundedTable<T> {
  /** Those that may have to go, in the order of the slices of time (`ORDER_MS`) in which they were used last. */
  private readonly lists = {
    unjoined: new RecencyList<T>(),
    anonymous: new RecencyList<T>(),
    login: new RecencyList<T>(),
    principal: undefined,
  } as const;

  /** Sessions that had to go before their time, since the table was made. */
  evicted = 0;

  /** @returns the bound that would be passed nevertheless */
  makeRoom({ entry, rank, bytes }: RoomRequest<T>, now: number): keyof TableBounds | undefined {
    const bound = this.boundAgainst(entry, bytes, now);
    if (!bound) return undefined;
    // The search for expired sessions may have freed this one.
    const left = entry && this.get(entry.key) === entry ? entry : undefined;
    const going = this.sessionsToGo({ entry: left, rank, bytes }, now);
    if (!going) return bound;
    for (const each of going) this.remove(each);
    this.evicted += going.length;
    return undefined;
  }

  override add(entry: T): void {
    super.add(entry);
    this.list(entry);
  }

  /**
   * Call it after an entry was used, and after its end may have come nearer, or its rank has changed.
   * @param before when it had been used before that, in ms since 1970
   */
  used(entry: T, before: number): void {
    this.reschedule(entry);
    if (entry.rank === entry.listedAs && sliceOf(entry.lastAccessedAt) === sliceOf(before)) return;
    this.unlist(entry);
    this.list(entry);
  }

  protected override left(entry: T): void {
    this.unlist(entry);
    super.left(entry);
  }

  private list(entry: T): void {
    entry.listedAs = entry.rank;
    this.lists[entry.listedAs]?.add(entry);
  }

  private unlist(entry: T): void {
    this.lists[entry.listedAs]?.remove(entry);
  }

  /**
   * The sessions that have to go, for an owner of a table that ends them itself.
   *
   * @param mayGo asked of each in turn
   * @returns undefined where not enough may go
   */
  sessionsToGo(
    { entry, rank, bytes }: RoomRequest<T>,
    now: number,
    mayGo: (entry: T) => boolean = () => true,
  ): T[] | undefined {
    const going: T[] = [];
    let passedBy = 0;
    let excess = this.excess(entry, bytes);
    let places = entry ? 1 : this.places;
    for (const each of this.candidates(rank === 'login' || rank === 'principal', now)) {
      if (each === entry) continue;
      if (!mayGo(each)) {
        if (++passedBy === MOST_PASSED_BY) return undefined;
        continue;
      }
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

function sliceOf(time: number): number {
  return Math.floor(time / ORDER_MS);
}
