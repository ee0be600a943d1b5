/** An entry of a {@link RecencyList}. The fields belong to the list, which links its entries through them. */
export interface RecencyEntry<T> {
  older: T | undefined;
  newer: T | undefined;
}

/**
 * Entries in the order in which they were added. To add and to remove costs the same at any size.
 */
export class RecencyList<T extends RecencyEntry<T>> {
  private newest: T | undefined;
  private oldest: T | undefined;

  /** The oldest first. Meanwhile the one that came last may be removed, and no other one. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let entry = this.oldest, next: T | undefined; entry; entry = next) {
      next = entry.newer;
      yield entry;
    }
  }

  /** The entry must be in no list. */
  add(entry: T): void {
    entry.older = this.newest;
    entry.newer = undefined;
    if (this.newest) this.newest.newer = entry;
    else this.oldest = entry;
    this.newest = entry;
  }

  /** The entry must be in this list. */
  remove(entry: T): void {
    if (entry.older) entry.older.newer = entry.newer;
    else this.oldest = entry.newer;
    if (entry.newer) entry.newer.older = entry.older;
    else this.newest = entry.older;
    entry.older = entry.newer = undefined;
  }
}
