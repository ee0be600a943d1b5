import { describe, expect, it } from '@jest/globals';
import type { MergeRule } from './merge-rule.js';
import { type MergeOutcome, threeWayMerge } from './three-way-merge.js';

type State = Record<string, unknown>;

function merge(
  base: State,
  mine: State,
  theirs: State,
  rules: Record<string, MergeRule> = {},
  onConflict: 'reject' | 'latest' = 'reject',
): MergeOutcome {
  return threeWayMerge({ base, mine, theirs, rules: new Map(Object.entries(rules)), onConflict, root: 'Cart' });
}
const merged = (state: State): MergeOutcome => ({ outcome: 'merged', state });
const conflict = (...paths: string[]): MergeOutcome => ({ outcome: 'conflict', fields: paths });

/** Merges one field. */
function field(rule: MergeRule | undefined, base: unknown, mine: unknown, theirs: unknown): unknown {
  const of = (value: unknown): State => (value === undefined ? {} : { f: value });
  const result = merge(of(base), of(mine), of(theirs), rule === undefined ? {} : { f: rule });
  return result.outcome === 'conflict' ? `conflict: ${result.fields.join(', ')}` : result.state['f'];
}

describe('threeWayMerge without a rule', () => {
  it('takes the value of the side that changed it', () => {
    expect(merge({ a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 3 })).toEqual(merged({ a: 2, b: 3 }));
  });

  it('adds and deletes fields', () => {
    expect(merge({ a: 1, b: 1 }, { a: 1, c: 1 }, { a: 1, b: 1, d: 1 })).toEqual(merged({ a: 1, c: 1, d: 1 }));
    expect(merge({ a: 1 }, {}, {})).toEqual(merged({}));
    expect(merge({ a: 1 }, {}, { a: 2 })).toEqual(conflict('a'));
  });

  it('tells undefined from absent and 0 from -0, but takes NaN as equal to NaN', () => {
    expect(merge({ a: undefined }, {}, { a: undefined })).toEqual(merged({}));
    expect(merge({}, { a: undefined }, { a: 1 })).toEqual(conflict('a'));
    expect(merge({ a: 0 }, { a: -0 }, { a: 1 })).toEqual(conflict('a'));
    expect(merge({ a: NaN }, { a: NaN }, { a: 1 })).toEqual(merged({ a: 1 }));
    expect(field('reject', { p: undefined }, { q: undefined }, { p: 1 })).toBe('conflict: f');
  });

  it('merges through plain objects, objects without prototype and Maps, and names the path of a conflict', () => {
    expect(field(undefined, { a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 2 })).toEqual({ a: 2, b: 2 });
    expect(
      field(
        undefined,
        new Map([['x', 1]]),
        new Map([
          ['x', 1],
          ['y', 2],
        ]),
        new Map([['x', 2]]),
      ),
    ).toEqual(
      new Map([
        ['x', 2],
        ['y', 2],
      ]),
    );
    expect(field(undefined, { address: { city: 'a' } }, { address: { city: 'b' } }, { address: { city: 'c' } })).toBe(
      'conflict: f.address.city',
    );
    expect(field(undefined, new Map([['x', 'a']]), new Map([['x', 'b']]), new Map([['x', 'c']]))).toBe(
      'conflict: f.get("x")',
    );
    const record = (content: object): object => Object.assign(Object.create(null) as object, content);
    const both = field(undefined, record({ a: 1 }), record({ a: 2 }), record({ a: 1, b: 1 }));
    expect(Object.getPrototypeOf(both)).toBe(null);
    expect(both).toEqual(record({ a: 2, b: 1 }));
  });

  it('merges two objects that both sides added', () => {
    expect(field(undefined, undefined, { a: 1 }, { b: 1 })).toEqual({ a: 1, b: 1 });
    expect(field(undefined, undefined, { a: 'x' }, { a: 'y' })).toBe('conflict: f.a');
  });

  it('keeps equal values, except numbers and sequences, which may be two changes', () => {
    for (const equal of ['x', true, null, new Date(1), new Set(['a']), { city: 'x' }, new Map([['x', 'y']])]) {
      expect(field(undefined, 'before', equal, structuredCloneInRealm(equal))).toEqual(equal);
    }
    for (const ambiguous of [1, 1n, NaN, ['a'], new Uint8Array(1), { n: 1 }, { list: [] }, new Map([['x', 1]])]) {
      expect(field(undefined, 'before', ambiguous, structuredCloneInRealm(ambiguous))).toBe('conflict: f');
    }
  });

  it('does not merge values of different kinds', () => {
    expect(field(undefined, null, { a: 1 }, { b: 1 })).toBe('conflict: f');
    expect(field(undefined, { a: 1 }, { a: 1, b: 1 }, new Map())).toBe('conflict: f');
  });

  it('does not merge Maps whose keys are objects, since no lookup finds them', () => {
    const map = (value: string): unknown => new Map([[{ id: 1 }, value]]);
    expect(field(undefined, map('a'), map('a'), map('b'))).toEqual(map('b'));
    expect(field(undefined, map('a'), map('b'), map('c'))).toBe('conflict: f');
  });

  it('names every conflicting place, however deep, and none that merges', () => {
    const before = { a: 1, b: { x: 1, y: 1, z: 1 }, c: new Map([['k', { deep: 1 }]]), d: 1, gone: 1 };
    const mine = { a: 2, b: { x: 2, y: 2, z: 1 }, c: new Map([['k', { deep: 2 }]]), d: 2 };
    const theirs = { a: 3, b: { x: 3, y: 1, z: 3 }, c: new Map([['k', { deep: 3 }]]), d: 1, gone: 2 };
    expect(merge(before, mine, theirs)).toEqual(conflict('a', 'b.x', 'c.get("k").deep', 'gone'));
    expect(merge(before, mine, theirs, { a: 'sum', b: 'reject' })).toEqual(conflict('b', 'c.get("k").deep', 'gone'));
  });

  it('lets mine win in the conflicting places, and only there, with onConflict latest', () => {
    expect(merge({ a: { x: 1, y: 1 } }, { a: { x: 2, y: 1 } }, { a: { x: 3, y: 3 } }, {}, 'latest')).toEqual(
      merged({ a: { x: 2, y: 3 } }),
    );
    expect(merge({ a: 1 }, {}, { a: 2 }, {}, 'latest')).toEqual(merged({}));
  });

  it('B31: treats __proto__ as a key like any other', () => {
    const state = (json: string): State => JSON.parse(json) as State;
    const result = merge(
      state('{"a":{"__proto__":{"x":1}}}'),
      state('{"a":{"__proto__":{"x":2}}}'),
      state('{"a":{"__proto__":{"x":1,"y":1}},"__proto__":{"z":1}}'),
    );
    expect(JSON.stringify(result)).toBe(
      '{"outcome":"merged","state":{"a":{"__proto__":{"x":2,"y":1}},"__proto__":{"z":1}}}',
    );
    expect('z' in {}).toBe(false);
  });
});

describe('threeWayMerge with a rule', () => {
  it('sum: both differences count, and absent and undefined are zero', () => {
    expect(field('sum', 10, 13, 11)).toBe(14);
    expect(field('sum', 10n, 13n, 5n)).toBe(8n);
    expect(field('sum', undefined, 1, 1)).toBe(2);
    expect(field('sum', 5, undefined, 7)).toBe(2);
    expect(merge({ f: undefined }, { f: 1 }, { f: 2 }, { f: 'sum' })).toEqual(merged({ f: 3 }));
  });

  it('max, min: compare numbers, bigints, strings and Dates', () => {
    expect([field('max', 1, 3, 2), field('min', 1, -3, 2)]).toEqual([3, -3]);
    expect([field('max', 1n, 3n, 2n), field('min', 'm', 'b', 'a')]).toEqual([3n, 'a']);
    expect(field('max', new Date(1), new Date(2), new Date(3))).toEqual(new Date(3));
    expect(field('max', undefined, 1, 1)).toBe(1);
    expect(field('max', 1, undefined, 2)).toBe(2);
  });

  it('union: has the elements that either added, without those that either removed', () => {
    expect(field('union', new Set(['a', 'b', 'c']), new Set(['b', 'c', 'd']), new Set(['a', 'b', 'e']))).toEqual(
      new Set(['b', 'e', 'd']),
    );
    expect(field('union', ['a', 'b', 'c'], ['b', 'c', 'd'], ['a', 'b', 'e'])).toEqual(['b', 'e', 'd']);
    expect(field('union', undefined, ['a', 'x'], ['x'])).toEqual(['x', 'a']);
    expect(field('union', [{ id: 1 }, { id: 2 }], [{ id: 1 }, { id: 3 }], [{ id: 1 }, { id: 2 }, { id: 3 }])).toEqual([
      { id: 1 },
      { id: 3 },
    ]);
  });

  it('append: the elements of mine follow those of theirs, and anything else is a conflict', () => {
    expect(field('append', [{ a: 1 }], [{ a: 1 }, 2], [{ a: 1 }, 3])).toEqual([{ a: 1 }, 3, 2]);
    expect(field('append', undefined, [1], [1])).toEqual([1, 1]);
    expect(field('append', [1, 2], [2, 3], [1, 2, 4])).toBe('conflict: f');
    expect(field('append', [1, 2], [1], [1, 2, 4])).toBe('conflict: f');
    expect(field('append', [1], [1, 2], undefined)).toBe('conflict: f');
  });

  it('latest: mine wins; reject: is a conflict even if both wrote the same, whatever onConflict says', () => {
    expect(field('latest', 1, 2, 3)).toBe(2);
    expect(field('reject', 'a', 'b', 'b')).toBe('conflict: f');
    expect(merge({ f: 1 }, { f: 2 }, { f: 3 }, { f: 'reject' }, 'latest')).toEqual(conflict('f'));
    expect(merge({ f: 1 }, {}, {}, { f: 'reject' })).toEqual(conflict('f'));
    expect(field('reject', 'a', 'b', 'a')).toBe('b');
  });

  it('a function gets the three values by name, undefined for an absent one, and returns the merged one', () => {
    const all: MergeRule = (sides) => ({ ...sides });
    expect(field(all, 1, 2, 3)).toEqual({ base: 1, mine: 2, theirs: 3 });
    expect(field(all, 1, undefined, 3)).toStrictEqual({ base: 1, mine: undefined, theirs: 3 });
    const longer: MergeRule<string> = ({ mine, theirs }) => (mine.length > theirs.length ? mine : theirs);
    expect(field(longer as MergeRule, 'a', 'abc', 'ab')).toBe('abc');
    const cause = new Error('no');
    expect(() =>
      field(
        () => {
          throw cause;
        },
        1,
        2,
        3,
      ),
    ).toThrow(expect.objectContaining({ path: 'Cart.f', cause }));
  });

  it('gets the whole value of its field', () => {
    expect(field('latest', { a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 2 })).toEqual({ a: 2, b: 1 });
  });

  it.each<[MergeRule, unknown, unknown, unknown]>([
    ['sum', 'a', 'b', 'c'],
    ['sum', 1, 2n, 3],
    ['sum', '1', 2, 3],
    ['max', 1, 'x', 2],
    ['max', null, false, true],
    ['min', 1, [], {}],
    ['union', [], new Set([1]), [2]],
    ['union', 'a', 'ab', 'ac'],
    ['append', 'a', 'ab', 'ac'],
    ['append', [], new Set([1]), [1]],
  ])('B8: %s on %p, %p, %p, which it cannot merge, is a conflict', (rule, base, mine, theirs) => {
    expect(field(rule, base, mine, theirs)).toBe('conflict: f');
    expect(merge({ f: base }, { f: mine }, { f: theirs }, { f: rule }, 'latest')).toEqual(merged({ f: mine }));
  });

  it('B8: null is no value, as undefined is none', () => {
    expect([field('sum', null, 1, 2), field('sum', 5, null, 7), field('max', null, null, 2)]).toEqual([3, 2, 2]);
    expect([field('min', null, 3, null), field('max', 1, null, undefined)]).toEqual([3, null]);
    expect(field('union', null, new Set([1]), new Set([2]))).toEqual(new Set([2, 1]));
    expect([field('append', null, [1], [2]), field('append', [1], null, [1, 2])]).toEqual([[2, 1], 'conflict: f']);
    expect(field(({ base, mine }) => [base, mine], 'x', null, 1)).toEqual(['x', null]);
  });
});

/** A second object of the same content, with this realm's prototypes. */
function structuredCloneInRealm(value: unknown): unknown {
  if (value instanceof Date) return new Date(value);
  if (value instanceof Set) return new Set(value);
  if (value instanceof Map) return new Map(value);
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.slice();
  return typeof value === 'object' && value !== null ? { ...value } : value;
}
