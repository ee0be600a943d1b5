import { describe, expect, it } from '@jest/globals';
import { SessionStateError } from '../errors/session-state.error.js';
import { encodeState } from './encode-state.js';
import { absent } from './state-kind.js';

const encode = (state: Record<string, unknown>, maxDepth = 100): string => encodeState(state, 'Cart', { maxDepth });

class Money {
  constructor(readonly amount = 1) {}
}
class SpecialMap extends Map {}
class SpecialArray extends Array {}

function nested(levels: number): Record<string, unknown> {
  let state: Record<string, unknown> = {};
  for (let level = 1; level < levels; level++) state = { a: state };
  return state;
}

/** The SessionStateError that `run` throws; fails when it throws nothing, or something else. */
function stateErrorOf(run: () => unknown): SessionStateError {
  try {
    run();
  } catch (error) {
    if (error instanceof SessionStateError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('encodeState', () => {
  it('writes plain state as plain JSON and the rest with tags', () => {
    expect(encode({ value: 3, list: ['a', null, true], nested: { x: 0.5 } })).toBe(
      '{"value":3,"list":["a",null,true],"nested":{"x":0.5}}',
    );
    expect(encode({ at: new Date(5), prices: new Map([['x', 1n]]), tags: new Set(['a']) })).toBe(
      '{"at":{"$date":5},"prices":{"$map":[["x",{"$bigint":"1"}]]},"tags":{"$set":["a"]}}',
    );
    expect(encode({ list: [undefined, NaN, -0, -Infinity] })).toBe(
      '{"list":[{"$undefined":0},{"$number":"NaN"},{"$number":"-0"},{"$number":"-Infinity"}]}',
    );
    expect(encode({ bytes: new Uint8Array([255]) })).toBe('{"bytes":{"$bytes":"/w=="}}');
    expect(encode({ $date: 1, record: Object.assign(Object.create(null), { a: 1 }), gone: absent })).toBe(
      '{"$$date":1,"record":{"$null":{"a":1}},"gone":{"$absent":0}}',
    );
  });

  const rejected: [what: string, state: Record<string, unknown>, path: string, reason: RegExp][] = [
    ['a function', { items: [0, 1, 2, { price: () => 1 }] }, 'Cart.items[3].price', /function.*@Transient/],
    ['a toJSON function of the data', { a: { toJSON: () => 'other' } }, 'Cart.a.toJSON', /function/],
    ['a symbol', { a: Symbol('s') }, 'Cart.a', /symbol/],
    ['a symbol as key', { a: { [Symbol('s')]: 1 } }, 'Cart.a[Symbol(s)]', /symbol/],
    ['a deleted property inside the state', { a: { b: absent } }, 'Cart.a.b', /symbol/],
    ['a Promise', { a: Promise.resolve(1) }, 'Cart.a', /Promise; await it/],
    [
      'an instance of a class',
      { prices: new Map([['x', new Money()]]) },
      'Cart.prices.get("x")',
      /instance of Money.*@Restore\(\(\) => Money\)/,
    ],
    ['a class as key of a Map', { prices: new Map([[new Money(), 1]]) }, 'Cart.prices.keys()[0]', /instance of Money/],
    ['a subclass of Array', { a: new SpecialArray() }, 'Cart.a', /instance of SpecialArray/],
    [
      'content that @Restore could not bring back',
      { a: new WeakMap() },
      'Cart.a',
      /WeakMap, whose content .* stored; s/,
    ],
    ['the same of a class of Node', { a: new Headers() }, 'Cart.a', /instance of Headers, whose content cannot be/],
    ['the same of an ancestor', { a: new SpecialMap() }, 'Cart.a', /SpecialMap, which extends Map, whose content can/],
    ['an instance of a class without a name', { a: new (class {})() }, 'Cart.a', /@Restore\(\(\) => TheClass\)/],
    ['another typed array', { a: new Set([new Float64Array(1)]) }, 'Cart.a.values()[0]', /Float64Array; store/],
    ['an ArrayBuffer', { a: new ArrayBuffer(1) }, 'Cart.a', /ArrayBuffer/],
    ['a RegExp', { 'unit price': /x/ }, 'Cart["unit price"]', /RegExp; store its source/],
    ['a URL', { a: new URL('http://a') }, 'Cart.a', /URL; store its href/],
    ['an Error', { a: new RangeError('x') }, 'Cart.a', /Error; store its message/],
    ['a boxed number', { a: Object(1) as unknown }, 'Cart.a', /instance of Number/],
    ['an invalid Date', { a: new Date(NaN) }, 'Cart.a', /invalid Date/],
    // eslint-disable-next-line no-sparse-arrays
    ['a hole', { a: [1, , 3] }, 'Cart.a[1]', /hole/],
    ['a property of an array', { a: Object.assign([1], { total: 1 }) }, 'Cart.a.total', /extra property/],
    ['a symbol on an array', { a: Object.assign([1], { [Symbol('s')]: 1 }) }, 'Cart.a[Symbol(s)]', /extra property/],
    [
      'a hidden toJSON of an array',
      { a: Object.defineProperty([1], 'toJSON', { value: () => 1 }) },
      'Cart.a.toJSON',
      /called/,
    ],
    ['a property of a Date', { a: Object.assign(new Date(0), { zone: 'Z' }) }, 'Cart.a.zone', /extra property/],
    ['a property of a Map', { a: Object.assign(new Map(), { name: 'Z' }) }, 'Cart.a.name', /extra property/],
    [
      'an accessor',
      {
        a: {
          get b() {
            return 1;
          },
        },
      },
      'Cart.a.b',
      /accessor/,
    ],
    ['a hidden property', { a: Object.defineProperty({}, 'b', { value: 1 }) }, 'Cart.a.b', /not enumerable/],
    ['a pretended Date', { a: Object.create(Date.prototype) as unknown }, 'Cart.a', /could not be read/],
    [
      'a proxy that throws',
      {
        a: new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('trap');
            },
          },
        ),
      },
      'Cart.a',
      /could not be read/,
    ],
  ];
  it.each(rejected)('R28 B50-B57: rejects %s and names the path', (_, state, path, reason) => {
    const error = stateErrorOf(() => encode(state));
    expect(error.path).toBe(path);
    expect(error.message).toMatch(reason);
    expect(error.reason).toBe('unstorable');
  });

  it('B54: rejects a cycle and names both ends', () => {
    const parent: Record<string, unknown> = { child: {} };
    (parent['child'] as Record<string, unknown>)['parent'] = parent;
    const error = stateErrorOf(() => encode({ a: parent }));
    expect(error.message).toMatch(/^Cart\.a\.child\.parent refers back to Cart\.a,/);
    const self: unknown[] = [];
    self.push(self);
    expect(stateErrorOf(() => encode({ self })).message).toMatch(/^Cart\.self\[0] refers back to Cart\.self,/);
  });

  it('B35: rejects state that is nested deeper than the limit, and accepts the limit', () => {
    expect(encode(nested(100))).toContain('{}');
    expect(stateErrorOf(() => encode(nested(101))).message).toMatch(/deeper than 100 levels/);
    expect(stateErrorOf(() => encode(nested(4), 3)).path).toBe('Cart.a.a.a');
    expect(stateErrorOf(() => encode(nested(100_000)))).toBeInstanceOf(SessionStateError);
  });

  it('keeps the error of a proxy trap as the cause', () => {
    const cause = new Error('trap');
    const error = stateErrorOf(() =>
      encode({
        a: new Proxy(
          {},
          {
            getPrototypeOf: () => {
              throw cause;
            },
          },
        ),
      }),
    );
    expect(error.cause).toBe(cause);
  });

  it('does not copy a part that needs no tag', () => {
    let reads = 0;
    const plain = new Proxy({ a: 1 }, { ownKeys: (target) => (reads++, Reflect.ownKeys(target)) });
    expect(encode({ plain, at: new Date(0) })).toBe('{"plain":{"a":1},"at":{"$date":0}}');
    // The walk reads it once and JSON.stringify once more, which it would not if the walk had made a copy.
    expect(reads).toBe(2);
  });
});
