import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SessionStateError } from '../errors/session-state.error.js';
import { decodeState } from './decode-state.js';
import { encodeState } from './encode-state.js';
import { absent } from './state-kind.js';

const limits = { maxDepth: 100 };
const decode = (text: string): Record<string, unknown> => decodeState(text, 'Cart', limits);

function stateErrorOf(text: string): SessionStateError {
  try {
    decode(text);
  } catch (error) {
    if (error instanceof SessionStateError) return error;
    throw error;
  }
  throw new Error(`${text.slice(0, 50)} was not rejected`);
}

function outcomeOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe('decodeState', () => {
  it.each([
    '',
    '{',
    '{"a":',
    'null',
    '[]',
    '42',
    '"x"',
    'undefined',
    '\u0000\u001f\u008b',
    '{"$date":0}',
    '{"$undefined":0}',
    '{"a":1}x',
  ])('B30: rejects %j', (text) => {
    const error = stateErrorOf(text);
    expect(error.reason).toBe('undecodable');
    expect(error.path).toBe('Cart');
  });

  it('keeps the error of JSON.parse as the cause', () => {
    expect((stateErrorOf('{"a":').cause as Error).name).toBe('SyntaxError');
  });

  it.each([
    ['{"a":{"$unknown":1}}', 'Cart.a'],
    ['{"a":[0,{"$date":"x"}]}', 'Cart.a[1]'],
    ['{"a":{"$date":1e99}}', 'Cart.a'],
    ['{"a":{"$date":1.5}}', 'Cart.a'],
    ['{"a":{"$map":{}}}', 'Cart.a'],
    ['{"a":{"$map":[1]}}', 'Cart.a.values()[0]'],
    ['{"a":{"$map":[["k",1],["k"]]}}', 'Cart.a.values()[1]'],
    ['{"a":{"$map":[["k",1],["k",2]]}}', 'Cart.a'],
    ['{"a":{"$set":1}}', 'Cart.a'],
    ['{"a":{"$set":[1,1]}}', 'Cart.a'],
    ['{"a":{"$bigint":1}}', 'Cart.a'],
    ['{"a":{"$bigint":"0x1"}}', 'Cart.a'],
    ['{"a":{"$bigint":""}}', 'Cart.a'],
    ['{"a":{"$number":"1"}}', 'Cart.a'],
    ['{"a":{"$undefined":1}}', 'Cart.a'],
    ['{"a":{"$bytes":"*"}}', 'Cart.a'],
    ['{"a":{"$buffer":[1]}}', 'Cart.a'],
    ['{"a":{"$null":[]}}', 'Cart.a'],
    ['{"a":{"$null":null}}', 'Cart.a'],
    ['{"a":{"$null":{"$date":0}}}', 'Cart.a'],
    ['{"a":{"$date":0,"b":1}}', 'Cart.a'],
    ['{"a":{"b":{"$absent":0}}}', 'Cart.a.b'],
    ['{"a":{"\\u0024unknown":1}}', 'Cart.a'],
  ])('rejects the tag in %s and names the path', (text, path) => {
    expect(stateErrorOf(text).path).toBe(path);
  });

  it('B34: keeps the last of two equal keys, as JSON does', () => {
    expect(decode('{"a":1,"a":2}')).toEqual({ a: 2 });
  });

  it('reads a deleted property of the state itself', () => {
    expect(decode('{"a":{"$absent":0}}')).toEqual({ a: absent });
  });

  it.each([
    ['objects', '{"a":'.repeat(200_000) + '1' + '}'.repeat(200_000)],
    ['arrays', `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['Maps', `{"a":${'{"$map":[[1,'.repeat(200_000)}1${']]}'.repeat(200_000)}}`],
    ['tags in tags', `{"a":${'{"$null":'.repeat(200_000)}{}${'}'.repeat(200_000)}}`],
    ['unclosed arrays', `{"a":${'['.repeat(200_000)}`],
  ])('B35: survives 200,000 levels of %s', (_, text) => {
    expect(stateErrorOf(text).reason).toBe('undecodable');
  });

  it('reads as many levels as encodeState writes, and not one more', () => {
    let state: Record<string, unknown> = {};
    for (let level = 1; level < 100; level++) state = { a: state };
    expect(encodeState(decode(encodeState(state, 'Cart', limits)), 'Cart', limits)).toBe(
      encodeState(state, 'Cart', limits),
    );
    expect(stateErrorOf(JSON.stringify({ a: state })).message).toMatch(/deeper than 100/);
  });

  it('gives a state or a SessionStateError for any text', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json({ maxDepth: 4 }),
      fc.json({ stringUnit: fc.constantFrom('$', 'date', 'map', 'null', 'a') }),
    );
    fc.assert(
      fc.property(text, (stored) => {
        const outcome = outcomeOf(() => encodeState(decode(stored), 'Cart', limits));
        return typeof outcome === 'string' || outcome instanceof SessionStateError;
      }),
      { numRuns: 2000 },
    );
  });
});
