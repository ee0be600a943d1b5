import { describe, expect, it } from '@jest/globals';
import type { TableBounds } from './bounded-table.js';
import { type EvictableEntry, EvictingTable, type SessionRank } from './evicting-table.js';

const LATER = 1_000_000;

class Entry implements EvictableEntry<Entry> {
  slot = 0;
  previous: Entry | undefined = undefined;
  next: Entry | undefined = undefined;
  older: Entry | undefined = undefined;
  newer: Entry | undefined = undefined;
  listedAs: SessionRank = 'unjoined';
  lastAccessedAt = 0;
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
  const table = new EvictingTable<Entry>({ maxSessions: 10, maxBytes: 1_000, ...bounds }, 0, ({ key }) => {
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
  const use = (entry: Entry, now: number): void => {
    const before = entry.lastAccessedAt;
    entry.lastAccessedAt = now;
    table.used(entry, before);
  };
  return { table, add, use, removed, boundFor, boundAgainst };
}

describe('an evicting table without room', () => {
  it('frees expired entries first, whoever they are of, and counts them as no eviction', () => {
    const { table, add, removed, boundFor } = open({ maxSessions: 2 });
    add('alice', 10, 5_000);
    add('stranger', 10, LATER, 'unjoined');
    expect(boundFor('principal', 10, 6_000)).toBeUndefined();
    expect([removed, table.evicted]).toEqual([['alice'], 0]);
  });

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
    const { add, use, removed, boundFor } = open({ maxSessions: 3 });
    const [used, idle] = ['used', 'idle', 'later'].map((key) => add(key, 10, LATER, 'anonymous')) as [Entry, Entry];
    for (const entry of [used, idle]) entry.idleFrom = 60_000;
    use(used, 10_000);

    expect(boundFor('unjoined', 10, 59_999)).toBe('maxSessions');
    expect(boundFor('unjoined', 10, 60_000)).toBeUndefined();
    expect(removed).toEqual(['idle']);
  });

  it('knows the order of those that were used in different slices of ten seconds', () => {
    const { add, use, removed, boundFor } = open({ maxSessions: 4 });
    const entries = new Map(['a', 'b', 'c', 'd'].map((key) => [key, add(key, 10, LATER, 'anonymous')]));
    for (const text of ['b 9999', 'c 10000', 'd 10001', 'a 10002', 'c 19999', 'd 20000', 'd 29999']) {
      const [key = '', now] = text.split(' ');
      use(entries.get(key) as Entry, Number(now));
    }
    for (let i = 0; i < 4; i++) {
      expect(boundFor('principal', 10)).toBeUndefined();
      add(`user ${i}`);
    }
    expect([removed[0], removed.slice(1, 3).toSorted(), removed[3]]).toEqual(['b', ['a', 'c'], 'd']);
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
    const { add, use, removed, boundFor } = open({ maxSessions: 2 });
    add('alice').idleFrom = 0;
    const bob = add('bob', 10, LATER, 'unjoined');
    bob.rank = 'principal';
    use(bob, 1);

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
