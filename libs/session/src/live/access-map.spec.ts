import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AccessEntry, AccessMap } from './access-map.js';

class Entry implements AccessEntry<Entry> {
  sibling: Entry | undefined;

  constructor(
    readonly key: string,
    readonly proof: string,
  ) {}

  get access(): { readonly key: string; readonly proof: string } {
    return this;
  }
}

let map: AccessMap<Entry>;

beforeEach(() => {
  map = new AccessMap();
});

/** Adds entries with one key and these proofs. */
function added(...proofs: string[]): Entry[] {
  const entries = proofs.map((proof) => new Entry('k', proof));
  for (const entry of entries) map.set(entry);
  return entries;
}

describe('AccessMap', () => {
  it('finds an entry by key and proof only', () => {
    const [one, two] = added('one', 'two');
    const other = new Entry('other', 'one');
    map.set(other);

    expect(map.get({ key: 'k', proof: 'one' })).toBe(one);
    expect(map.get({ key: 'k', proof: 'two' })).toBe(two);
    expect(map.get({ key: 'other', proof: 'one' })).toBe(other);
    expect(map.get({ key: 'k', proof: 'three' })).toBeUndefined();
    expect(map.get({ key: 'nobody', proof: 'one' })).toBeUndefined();
    expect(map.size).toBe(3);
  });

  it('lists the entries of a key, whatever their proofs are', () => {
    const entries = added('one', 'two', 'three');
    map.set(new Entry('other', 'one'));

    expect(new Set(map.ofKey('k'))).toEqual(new Set(entries));
    expect([...map.ofKey('nobody')]).toEqual([]);
  });

  it('puts an entry in the place of the one with the same key and proof', () => {
    const [first, sibling] = added('one', 'two');
    const [second] = added('one');

    expect(map.get({ key: 'k', proof: 'one' })).toBe(second);
    expect(map.get({ key: 'k', proof: 'two' })).toBe(sibling);
    expect(map.size).toBe(2);
    expect(first?.sibling).toBeUndefined();
  });

  it.each(['one', 'two', 'three'])('deletes the entry %s of three with one key, and no other', (proof) => {
    const entries = added('one', 'two', 'three');
    const deleted = entries.find((entry) => entry.proof === proof) as Entry;
    map.delete(deleted);

    expect(map.get(deleted)).toBeUndefined();
    expect(new Set(map.values())).toEqual(new Set(entries.filter((entry) => entry !== deleted)));
    expect(map.size).toBe(2);
    expect(deleted.sibling).toBeUndefined();
  });

  it('does nothing when it is told to delete an entry that is not in it', () => {
    const [replaced] = added('one');
    const [present] = added('one', 'two');
    map.delete(replaced as Entry);
    map.delete(new Entry('k', 'three'));
    map.delete(new Entry('nobody', 'one'));

    expect(map.get({ key: 'k', proof: 'one' })).toBe(present);
    expect(map.size).toBe(2);
  });

  it('holds the same entries as a plain map, whatever is added and deleted', () => {
    const step = fc.record({ isAdded: fc.boolean(), key: fc.nat(2), proof: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        map = new AccessMap();
        const plain = new Map<string, Entry>();
        for (const { isAdded, key, proof } of steps) {
          const entry = new Entry(`${key}`, `${proof}`);
          const name = `${key} ${proof}`;
          const present = plain.get(name);
          if (isAdded) {
            map.set(entry);
            plain.set(name, entry);
          } else {
            map.delete(present ?? entry);
            plain.delete(name);
          }
          expect(map.get(entry)).toBe(plain.get(name));
          expect(map.size).toBe(plain.size);
          expect(new Set(map.values())).toEqual(new Set(plain.values()));
        }
      }),
    );
  });
});
