import { describe, expect, it } from '@jest/globals';
import { BoundedTable, type TableBounds, type TableEntry } from './bounded-table.js';

const LATER = 1_000_000;

class Entry implements TableEntry<Entry> {
  slot = 0;
  previous: Entry | undefined = undefined;
  next: Entry | undefined = undefined;

  constructor(
    readonly key: string,
    public bytes: number,
    public expiresAt: number,
  ) {}
}

function open(bounds: { maxSessions?: number; maxBytes?: number } = {}) {
  const removed: string[] = [];
  const table = new BoundedTable<Entry>({ maxSessions: 10, maxBytes: 1_000, ...bounds }, 0, ({ key }) => {
    removed.push(key);
  });
  const add = (key: string, bytes = 10, expiresAt = LATER): Entry => {
    const entry = new Entry(key, bytes, expiresAt);
    table.add(entry);
    return entry;
  };
  const boundFor = (bytes: number, now = 0): keyof TableBounds | undefined => table.boundAgainst(undefined, bytes, now);
  const boundAgainst = (entry: Entry, bytes: number, now = 0): keyof TableBounds | undefined =>
    table.boundAgainst(entry, bytes, now);
  return { table, add, removed, boundFor, boundAgainst };
}

describe('a bounded table', () => {
  it('counts entries and their bytes, by whichever way they come, change and go', () => {
    const { table, add, removed } = open();
    const a = add('a');
    add('b', 20, 5_000);
    table.resize(a, 100);
    expect([table.size, table.bytes]).toEqual([2, 120]);

    table.sweep(10_000);
    expect([table.size, table.bytes, table.get('b')]).toEqual([1, 100, undefined]);
    table.remove(a);
    expect([table.size, table.bytes]).toEqual([0, 0]);
    expect(removed).toEqual(['b', 'a']);
  });

  it('names the bound that a new entry would pass: new ones may use 90 % of the bytes', () => {
    const { add, boundFor } = open({ maxSessions: 2 });
    expect(boundFor(900)).toBeUndefined();
    expect(boundFor(901)).toBe('maxBytes');
    add('a');
    add('b');
    expect(boundFor(1)).toBe('maxSessions');
  });

  it('lets an entry grow up to all of the bytes, and always shrink', () => {
    const { table, add, boundAgainst } = open();
    const a = add('a', 500);
    add('b', 400);
    expect(boundAgainst(a, 600)).toBeUndefined();
    expect(boundAgainst(a, 601)).toBe('maxBytes');
    table.resize(a, 900);
    expect(boundAgainst(a, 899)).toBeUndefined();
  });

  it('tells how much of the nearer bound is in use', () => {
    const { table, add } = open();
    add('a', 10);
    expect(table.filled).toBe(0.1);
    add('b', 440);
    expect(table.filled).toBe(0.5);
  });

  it('frees expired entries before it refuses one', () => {
    const { table, add, boundFor } = open({ maxSessions: 1 });
    add('a', 10, 5_000);
    expect(boundFor(10, 4_000)).toBe('maxSessions');
    expect(boundFor(10, 6_000)).toBeUndefined();
    expect(table.size).toBe(0);
  });

  it('treats an entry as new that the search for room has freed', () => {
    const { add, boundFor, boundAgainst } = open();
    const a = add('a', 950, 5_000);
    // It would fit as a change of the entry, and is above 90 % as a new one.
    expect(boundAgainst(a, 1_001, 6_000)).toBe('maxBytes');
    expect(boundFor(900, 6_000)).toBeUndefined();
  });

  it('counts the room of what is under way, until that is given back', () => {
    const { table, add, boundFor, boundAgainst } = open({ maxSessions: 3 });
    const a = add('a');
    add('b');
    const releases = [table.reserve(undefined, 500), table.reserve(a, 300)];
    expect([boundFor(10), boundAgainst(a, 201), table.size, table.bytes]).toEqual(['maxSessions', 'maxBytes', 2, 20]);
    for (const release of releases) release();
    expect([boundFor(10), boundAgainst(a, 201)]).toEqual([undefined, undefined]);
  });

  it('frees no more in one slice than it is told to look at', () => {
    const { table, add } = open({ maxSessions: 100 });
    for (let i = 0; i < 50; i++) add(`${i}`, 1, 5_000);
    table.sweep(10_000, 20);
    expect(table.size).toBe(30);
  });

  it('never frees an entry whose end has moved', () => {
    const { table, add } = open();
    const a = add('a', 10, 5_000);
    a.expiresAt = LATER;
    table.reschedule(a);
    table.sweep(10_000);
    expect(table.get('a')).toBe(a);
  });
});
