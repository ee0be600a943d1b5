/** Entries that the table always keeps room for. */
const ROOM = Array.from({ length: 256 }, () => Symbol('room'));

/**
 * A Map whose entries come and go with the requests.
 *
 * V8 gives a Map a new table whenever as many entries have come as the old one had room for, however few are left. An
 * old table keeps its entries alive, and the table that took its place. Once the collector has moved one of them to the
 * old generation, all later ones are kept, with the sessions that were under way at each change, until the next full
 * collection. At 16 requests at once that was 2 KB for each request, and a tenth of its time. A table with room for
 * many entries changes so rarely that nothing is left of that.
 */
export class ShortLivedMap<K, V extends object> {
  private readonly map = new Map<K | symbol, V | undefined>(ROOM.map((place) => [place, undefined]));

  get size(): number {
    return this.map.size - ROOM.length;
  }

  get(key: K): V | undefined {
    return this.map.get(key);
  }

  has(key: K): boolean {
    return this.map.has(key);
  }

  set(key: K, value: V): void {
    this.map.set(key, value);
  }

  delete(key: K): void {
    this.map.delete(key);
  }

  *values(): IterableIterator<V> {
    for (const value of this.map.values()) if (value !== undefined) yield value;
  }
}
