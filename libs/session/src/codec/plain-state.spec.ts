import { describe, expect, it } from '@jest/globals';
import { encodeState, isPlain } from './encode-state.js';

const limits = { maxDepth: 4 };
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

describe('state that JSON.stringify alone writes as encodeState does', () => {
  it.each([
    [{}],
    [{ a: 'text', b: 1.5, c: false, d: null, e: [1, 'two', [], {}] }],
    [{ a$: 1, '': '$date', ['__proto__']: 1 }],
    [{ a: { b: { c: 1 } } }],
  ])('is plain: %j', (state) => {
    expect(isPlain(state, limits.maxDepth)).toBe(true);
    expect(JSON.stringify(state)).toBe(encodeState(state, 'Bean', limits));
  });

  it.each([
    ['undefined', undefined],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['-0', -0],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['a symbol', Symbol('a')],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['bytes', new Uint8Array()],
    ['an object without a prototype', Object.create(null)],
    ['an instance', new (class Some {})()],
    ['a key to be escaped', { $date: 0 }],
    ['a key that is a symbol', { [Symbol('a')]: 1 }],
    ['a hole', [1, , 2]], // oxlint-disable-line no-sparse-arrays
    ['an array with an extra property', Object.assign([1], { more: 1 })],
    ['an array with toJSON', Object.defineProperty([1], 'toJSON', { value: () => 2 })],
    ['an array of another class', new (class Some extends Array {})()],
    ['too many levels', nested(4)],
  ])('is not plain: %s', (_, value) => {
    expect(isPlain({ value }, limits.maxDepth)).toBe(false);
  });

  it('is not plain: a cycle', () => {
    const cycle: Record<string, unknown> = {};
    cycle['itself'] = cycle;
    expect(isPlain(cycle, limits.maxDepth)).toBe(false);
  });
});
