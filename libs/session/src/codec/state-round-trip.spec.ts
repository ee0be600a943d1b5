import { Buffer } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeState } from './decode-state.js';
import { encodeState, isPlain } from './encode-state.js';
import { setOwn } from './state-kind.js';

const limits = { maxDepth: 100 };
const encode = (state: Record<string, unknown>): string => encodeState(state, 'Bean', limits);
const decode = (text: string): Record<string, unknown> => decodeState(text, 'Bean', limits);

const key = fc.oneof(
  { weight: 2, arbitrary: fc.string({ maxLength: 4 }) },
  fc.constantFrom(
    '',
    '$',
    '$$',
    '$x',
    '$$x',
    '$date',
    '$map',
    '$absent',
    '__proto__',
    'constructor',
    'toJSON',
    'length',
    '0',
    '10',
    '-1',
  ),
);
const primitive = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\ud800', '$date', '"$'),
  fc.double(),
  fc.integer(),
  fc.constantFrom(-0, 0, NaN, Infinity, -Infinity),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt(),
);
const leaf = fc.oneof(
  { weight: 4, arbitrary: primitive },
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 9 }),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
);
const objectOf = (value: fc.Arbitrary<unknown>, prototype: object | null): fc.Arbitrary<Record<string, unknown>> =>
  fc.array(fc.tuple(key, value), { maxLength: 5 }).map((entries) => {
    const object = Object.create(prototype) as Record<string, unknown>;
    for (const [name, content] of entries) setOwn(object, name, content);
    return object;
  });
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    objectOf(tie('value'), Object.prototype),
    objectOf(tie('value'), null),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 4 }).map((elements) => new Set(elements)),
  ),
}));
const state = objectOf(value, Object.prototype);

describe('state as text', () => {
  it('B50-B53: comes back equal, whatever it consists of', () => {
    fc.assert(
      fc.property(state, (original) => {
        expect(isDeepStrictEqual(decode(encode(original)), original)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('is the same text again after a round trip: the order of keys and entries is kept', () => {
    fc.assert(
      fc.property(state, (original) => encode(decode(encode(original))) === encode(original)),
      { numRuns: 1000 },
    );
  });

  it('is the same text that JSON.stringify writes, where the state is plain', () => {
    fc.assert(
      fc.property(state, (original) => !isPlain(original, 100) || JSON.stringify(original) === encode(original)),
      { numRuns: 3000 },
    );
  });

  it('B31: changes no prototype', () => {
    const before = Reflect.ownKeys(Object.prototype);
    const original = decode(
      '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}},"list":[{"__proto__":{"$date":0}}]}',
    );
    const again = decode(encode(original));
    expect(Object.getPrototypeOf(again)).toBe(Object.prototype);
    expect(Object.keys(again)).toEqual(['__proto__', 'constructor', 'list']);
    expect(Object.getOwnPropertyDescriptor(again, '__proto__')?.value).toEqual({ isAdmin: true });
    expect(Object.getOwnPropertyDescriptor((again['list'] as object[])[0], '__proto__')?.value).toEqual(new Date(0));
    expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
    expect('isAdmin' in {}).toBe(false);
  });

  it.each([new Uint8Array([1]), Buffer.from([1])])('gives bytes a memory that nothing else has: %p', (bytes) => {
    const text = encode({ bytes });
    const decoded = [decode(text), decode(text)].map((result) => result['bytes'] as Uint8Array);
    expect(decoded.map(({ buffer }) => buffer.byteLength)).toEqual([1, 1]);
    expect(decoded[0]?.buffer).not.toBe(decoded[1]?.buffer);
  });

  it('keeps Uint8Array and Buffer apart, and copies a shared object', () => {
    const shared = { a: 1 };
    const { bytes, buffer, twice } = decode(
      encode({ bytes: new Uint8Array([1]), buffer: Buffer.from([1]), twice: [shared, shared] }),
    );
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    expect(Buffer.isBuffer(buffer)).toBe(true);
    const [first, second] = twice as object[];
    expect(first).toEqual(second);
    expect(first).not.toBe(second);
  });

  it('accepts plain objects of another realm, such as request headers under jest', () => {
    const foreign: unknown = structuredClone({ list: [1], nested: { a: 1 } });
    expect(decode(encode({ foreign }))).toEqual({ foreign: { list: [1], nested: { a: 1 } } });
  });

  it('does not change the state that it encodes', () => {
    fc.assert(
      fc.property(state, (original) => {
        const copy: unknown = decode(encode(original));
        encode(original);
        return isDeepStrictEqual(original, copy);
      }),
    );
  });
});
