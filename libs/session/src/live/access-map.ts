import type { ClientAccess, SessionKey } from '../store/session-id.js';
import { ShortLivedMap } from '../store/short-lived-map.js';

/** An entry of an AccessMap. It is in one map at a time. */
export interface AccessEntry<V> {
  readonly access: ClientAccess;

  /** Another entry with this key and another proof. Set by the map. */
  sibling: V | undefined;
}

/**
 * Entries by key and proof. A key nearly always has one proof: two only while a session gets a new id, or when somebody
 * presents a wrong one.
 */
export class AccessMap<V extends AccessEntry<V>> {
  private readonly first = new ShortLivedMap<SessionKey, V>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get({ key, proof }: ClientAccess): V | undefined {
    let entry = this.first.get(key);
    while (entry && entry.access.proof !== proof) entry = entry.sibling;
    return entry;
  }

  /** All entries with the key, whatever their proofs are. */
  ofKey(key: SessionKey): readonly V[] {
    let entry = this.first.get(key);
    if (!entry) return NONE;
    const entries: V[] = [];
    for (; entry; entry = entry.sibling) entries.push(entry);
    return entries;
  }

  /** Takes the place of an entry with the same access. */
  set(entry: V): void {
    const { access } = entry;
    const replaced = this.get(access);
    if (replaced) this.delete(replaced);
    entry.sibling = this.first.get(access.key);
    this.first.set(access.key, entry);
    this.count++;
  }

  /** Does nothing when the entry is not in the map. */
  delete(entry: V): void {
    const { key } = entry.access;
    const first = this.first.get(key);
    if (first === entry) {
      if (entry.sibling) this.first.set(key, entry.sibling);
      else this.first.delete(key);
    } else {
      let before = first;
      while (before && before.sibling !== entry) before = before.sibling;
      if (!before) return;
      before.sibling = entry.sibling;
    }
    entry.sibling = undefined;
    this.count--;
  }

  *values(): IterableIterator<V> {
    for (const first of this.first.values()) yield* this.ofKey(first.access.key);
  }
}

/** Most keys have no entry when they are asked for. */
const NONE: readonly never[] = Object.freeze([]);
