import { describe, expect, it } from '@jest/globals';
import { BoundedTable, type SessionRank, type TableBounds, type TableEntry } from './bounded-table.js';

const LATER = 1_000_000;

class Entry implements TableEntry<Entry> {
  slot = 0;
  previous: Entry | undefined = undefined;
  next: Entry | undefined = undefined;
  older: Entry | undefined = undefined;
  newer: Entry | undefined = undefined;
  listedAs: SessionRank = 'unjoined';
  idleFrom = LATER;

  constructor(
    readonly key: string,
    public bytes: number,
    public expiresAt: number,
    public rank: SessionRank,
  ) {}
}

function open(bounds: { maxSessions?: number; maxBytes?: number } = {}) {
  const removed: string[] = [];
  const table = new BoundedTable<Entry>({ maxSessions: 10, maxBytes: 1_000, ...bounds }, 0, ({ key }) => {
    removed.push(key);
  });
  const add = (key: string, bytes = 10, expiresAt = LATER, rank: SessionRank = 'principal'): Entry => {
    const entry = new Entry(key, bytes, expiresAt, rank);
    table.add(entry);
    return entry;
  };
  /** The bound that stands against a new session. */
  const boundFor = (rank: SessionRank, bytes: number, now = 0): keyof TableBounds | undefined =>
    table.makeRoom({ entry: undefined, rank, bytes }, now);
  /** The bound that stands against a session's growth. */
  const boundAgainst = (entry: Entry, bytes: number, now = 0): keyof TableBounds | undefined =>
    table.makeRoom({ entry, rank: entry.rank, bytes }, now);
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
    expect(boundFor('unjoined', 900)).toBeUndefined();
    expect(boundFor('unjoined', 901)).toBe('maxBytes');
    add('a');
    add('b');
    expect(boundFor('unjoined', 1)).toBe('maxSessions');
    expect(boundFor('principal', 1)).toBe('maxSessions');
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
    expect(boundFor('unjoined', 10, 4_000)).toBe('maxSessions');
    expect(boundFor('unjoined', 10, 6_000)).toBeUndefined();
    expect([table.size, table.evicted]).toEqual([0, 0]);
  });

  it('treats an entry as new that the search for room has freed', () => {
    const { add, boundFor, boundAgainst } = open();
    const a = add('a', 950, 5_000);
    // It would fit as a change of the entry, and is above 90 % as a new one.
    expect(boundAgainst(a, 1_001, 6_000)).toBe('maxBytes');
    expect(boundFor('principal', 900, 6_000)).toBeUndefined();
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
    table.used(a);
    table.sweep(10_000);
    expect(table.get('a')).toBe(a);
  });
});

describe('a bounded table without room', () => {
  it.each(['unjoined', 'anonymous', 'login', 'principal'] as const)(
    'gives up the oldest session that nobody came back to, for one of rank %s',
    (rank) => {
      const { add, removed, boundFor, table } = open({ maxSessions: 3 });
      add('visitor', 10, LATER, 'anonymous');
      add('first', 10, LATER, 'unjoined');
      add('second', 10, LATER, 'unjoined');

      expect(boundFor(rank, 10)).toBeUndefined();
      expect([removed, table.evicted]).toEqual([['first'], 1]);
    },
  );

  it('then gives up the anonymous session that was not used for the longest time, if it is idle', () => {
    const { add, removed, boundFor, table } = open({ maxSessions: 3 });
    const [used, idle] = ['used', 'idle', 'later'].map((key) => add(key, 10, LATER, 'anonymous'));
    for (const entry of [used, idle]) if (entry) entry.idleFrom = 1_000;
    if (used) table.used(used);

    expect(boundFor('unjoined', 10, 999)).toBe('maxSessions');
    expect(boundFor('unjoined', 10, 1_000)).toBeUndefined();
    expect(removed).toEqual(['idle']);
  });

  it('gives up an anonymous session that is in use for that of a principal only', () => {
    const { add, removed, boundFor } = open({ maxSessions: 2 });
    add('visitor', 10, LATER, 'anonymous');
    add('alice');

    expect(boundFor('unjoined', 10)).toBe('maxSessions');
    expect(boundFor('principal', 10)).toBeUndefined();
    expect(removed).toEqual(['visitor']);
  });

  it('then gives up the oldest session of a user who did not come back yet, for another user', () => {
    const { add, removed, boundFor } = open({ maxSessions: 3 });
    for (const key of ['first', 'second']) add(key, 10, LATER, 'login');
    add('alice');

    expect(boundFor('unjoined', 10)).toBe('maxSessions');
    expect(boundFor('login', 10)).toBeUndefined();
    expect(removed).toEqual(['first']);
  });

  it('finds an idle session behind one in use that has a longer idle timeout', () => {
    const { add, removed, boundFor } = open({ maxSessions: 2 });
    add('patient', 10, LATER, 'anonymous');
    add('idle', 10, LATER, 'anonymous').idleFrom = 1_000;

    expect(boundFor('unjoined', 10, 1_000)).toBeUndefined();
    expect(removed).toEqual(['idle']);
  });

  it('never gives up the session of a principal, nor one that has become it', () => {
    const { add, removed, boundFor, table } = open({ maxSessions: 2 });
    add('alice').idleFrom = 0;
    const bob = add('bob', 10, LATER, 'unjoined');
    bob.rank = 'principal';
    table.used(bob);

    expect(boundFor('principal', 10, 5_000)).toBe('maxSessions');
    expect(removed).toEqual([]);
  });

  it('gives up as many as a session needs that grows, and never the session itself', () => {
    const { add, removed, boundAgainst, table } = open();
    const growing = add('growing', 100, LATER, 'unjoined');
    for (let i = 0; i < 8; i++) add(`${i}`, 100, LATER, 'unjoined');

    expect(boundAgainst(growing, 500)).toBeUndefined();
    expect(removed).toEqual(['0', '1', '2']);
    table.resize(growing, 500);
    expect(boundAgainst(growing, 1_000)).toBeUndefined();
    expect([table.size, table.bytes]).toEqual([1, 500]);
    expect(boundAgainst(growing, 1_001)).toBe('maxBytes');
  });

  it('gives up nothing for a session that would not fit anyway', () => {
    const { add, removed, boundFor, boundAgainst } = open();
    const alice = add('alice', 400);
    add('bob', 100);
    add('stranger', 300, LATER, 'unjoined');

    expect(boundFor('unjoined', 401)).toBe('maxBytes');
    expect(boundAgainst(alice, 901)).toBe('maxBytes');
    expect(removed).toEqual([]);
    expect(boundAgainst(alice, 900)).toBeUndefined();
    expect(removed).toEqual(['stranger']);
  });

  it('gives up nothing for a stranger where what is in use leaves too little', () => {
    const { add, removed, boundFor } = open();
    add('visitor', 500, LATER, 'anonymous');
    for (const key of ['one', 'two']) add(key, 100, LATER, 'unjoined');

    expect(boundFor('unjoined', 401)).toBe('maxBytes');
    expect(removed).toEqual([]);
    expect(boundFor('unjoined', 400)).toBeUndefined();
    expect(removed).toEqual(['one', 'two']);
  });
});
