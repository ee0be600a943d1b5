import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { generateSessionId } from '../../store/session-id.js';
import { SessionTokenFormat } from './session-token.js';

const id = generateSessionId();
const key = 'a key of enough bytes';
const olderKey = 'the key of last month';
const plain = new SessionTokenFormat();
const signed = new SessionTokenFormat({ signingKeys: [key] });

const anyText = (size: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes).toString('base64url'));
const anyId = fc.tuple(anyText(16), anyText(32)).map(([selector, secret]) => selector + secret);
const anyLocator = fc.option(fc.stringMatching(/^(?:[A-Za-z0-9]{1,32}|-)(?:\.[A-Za-z0-9_-]{1,64}){0,3}$/), {
  nil: undefined,
});
const anyKeys = fc.option(fc.array(fc.string({ minLength: 16 }), { minLength: 1, maxLength: 3 }), {
  nil: undefined,
});

describe('SessionTokenFormat', () => {
  it('reads back what it wrote, with and without signing keys and locator', () => {
    fc.assert(
      fc.property(anyId, anyKeys, anyLocator, (anId, signingKeys, locator) => {
        const format = new SessionTokenFormat({ signingKeys });
        expect(format.parse(format.format(anId, locator))).toEqual({ id: anId, locator });
      }),
    );
  });

  it('accepts nothing that it would write differently: one session, one text per locator', () => {
    const token = signed.format(id);
    // Each property value is a token with one character replaced by any other.
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.integer({ min: 0, max: 0xffff }), (at, code) => {
        const altered = token.slice(0, at) + String.fromCharCode(code) + token.slice(at + 1);
        fc.pre(altered !== token);
        expect(signed.parse(altered)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it('answers every text with undefined or with a token it would write itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\w-]{62,66}\.?\w?$/)), (text) => {
        const token = plain.parse(text);
        const written = token && plain.format(token.id, token.locator);
        expect([undefined, text]).toContain(written);
      }),
    );
  });

  it('R38: has 65 characters, 87 with signing keys, and the route in field 2 at the dot', () => {
    expect(plain.format(id)).toBe(id);
    expect(signed.format(id)).toMatch(/^[A-Za-z0-9_-]{87}$/);
    expect(plain.format(id, 's1').split('.')).toEqual([id, 's1']);
    expect(signed.format(id, 's1').split('.')[1]).toBe('s1');
  });

  it('signs with HMAC-SHA-256 over a label and the id, 132 bits of it', () => {
    const mac = createHmac('sha256', key).update(`nestjs-session-beans:session-token:v1:${id}`).digest('base64url');
    expect(signed.format(id)).toBe(id + mac.slice(0, 22));
  });

  it('R38: strips any well-formed locator, whatever it says', () => {
    for (const locator of ['s1', 'retired', 'A'.repeat(32), 's1.1z', '-.0', 's1.s2.1.mac_-', `s1${'.x'.repeat(3)}`]) {
      expect(signed.parse(`${signed.format(id)}.${locator}`)).toEqual({ id, locator });
    }
    expect(signed.parse(signed.format(id))).toEqual({ id, locator: undefined });
  });

  it.each([
    ['an empty route', '.'],
    ['five fields', '.a.b.c.d.e'],
    ['a field of 65 characters', `.a.${'b'.repeat(65)}`],
    ['an empty field', '.a..b'],
    ['two dashes', '.--'],
    ['a dot behind the route', '.a.'],
    ['two dots', '..a'],
    ['33 characters', `.${'a'.repeat(33)}`],
    ['10 KB', `.${'a'.repeat(10_240)}`],
    ['a path', '.../'],
    ['an underscore', '.a_b'],
    ['a dash', '.a-b'],
    ['a line break', '.a\n'],
    ['a letter beyond ASCII', '.\u00e9'],
    ['another separator', '!a'],
  ])('B17: refuses a token with %s as the route', (_title, suffix) => {
    expect(plain.parse(id + suffix)).toBeUndefined();
    expect(signed.parse(signed.format(id) + suffix)).toBeUndefined();
  });

  it('B17: refuses a route without an id', () => {
    expect(plain.parse('.n1')).toBeUndefined();
    expect(signed.parse('.n1')).toBeUndefined();
  });

  it.each([
    ['B5: no id', ''],
    ['B5: 64 characters', id.slice(1)],
    ['B5: 66 characters', `${id}A`],
    ['B5: other characters', `+${id.slice(1)}`],
    ['B5: percent-encoding', `%00${id.slice(3)}`],
    ['B5: a selector whose last character would decode to the same bytes', `${'A'.repeat(21)}B${'A'.repeat(43)}`],
    ['B5: a secret whose last character would decode to the same bytes', `${'A'.repeat(64)}B`],
    ['a dot between selector and secret', `${id.slice(0, 22)}.${id.slice(22)}`],
    ['a selector without a secret', id.slice(0, 22)],
    ['B8: a path', `../../etc/passwd${'/'.repeat(49)}`],
    ['B12: quotes', `"${id}"`],
    ['B14, R47: a list', `${id}, ${id}`],
  ])('refuses %s', (_title, text) => {
    expect(plain.parse(text)).toBeUndefined();
    expect(plain.parse(`${text}.s1`)).toBeUndefined();
  });

  const mac = signed.format(id).slice(65);
  it.each([
    ['no MAC', id],
    ['no MAC, but a route', `${id}.${'a'.repeat(21)}`],
    ['a MAC cut short', id + mac.slice(0, 21)],
    ['a MAC too long', `${id + mac}A`],
    ['a forged MAC', id + 'A'.repeat(22)],
    ['the MAC of another id', id + signed.format(generateSessionId()).slice(65)],
    ['the MAC in front', mac + id],
    [
      'a MAC whose characters only share the low byte',
      id + String.fromCharCode(mac.charCodeAt(0) + 256) + mac.slice(1),
    ],
    ['the MAC of a key that is gone', new SessionTokenFormat({ signingKeys: [olderKey] }).format(id)],
    ['a MAC without the label', id + createHmac('sha256', key).update(id).digest('base64url').slice(0, 22)],
  ])('B7, R45: with signing keys, refuses %s', (_title, text) => {
    expect(signed.parse(text)).toBeUndefined();
  });

  it('answers no other way on a connection that has presented a token before', () => {
    const other = generateSessionId();
    const texts = [
      ...[id, other].flatMap((each) => [signed.format(each), signed.format(each, 's1'), each]),
      other + mac,
      id + signed.format(other).slice(65),
      id + 'A'.repeat(22),
      new SessionTokenFormat({ signingKeys: [olderKey] }).format(id),
      '',
    ];
    const anyCall = fc.tuple(fc.constantFrom(...texts), fc.nat(1), fc.constantFrom(key, olderKey));
    fc.assert(
      fc.property(fc.array(anyCall, { maxLength: 30 }), (calls) => {
        const connections = [{}, {}];
        const formats = new Map([key, olderKey].map((one) => [one, new SessionTokenFormat({ signingKeys: [one] })]));
        for (const [text, at, by] of calls) {
          const format = formats.get(by);
          expect(format?.parse(text, connections[at])).toEqual(format?.parse(text));
        }
      }),
    );
  });

  it('B7: without signing keys, refuses a signed token', () => {
    expect(plain.parse(signed.format(id))).toBeUndefined();
  });

  it('R45: the first key signs, all of them verify', () => {
    const rotated = new SessionTokenFormat({ signingKeys: [key, olderKey] });
    const before = new SessionTokenFormat({ signingKeys: [olderKey] });
    expect(rotated.format(id)).toBe(signed.format(id));
    expect(rotated.parse(before.format(id))?.id).toBe(id);
    expect(rotated.parse(signed.format(id))?.id).toBe(id);
  });

  it('takes Buffers as signing keys, equal to the string with the same bytes', () => {
    expect(new SessionTokenFormat({ signingKeys: [Buffer.from(key)] }).format(id)).toBe(signed.format(id));
  });

  it('counts the bytes of a key, not its letters', () => {
    expect(() => new SessionTokenFormat({ signingKeys: ['\u00e9'.repeat(8)] })).not.toThrow();
    expect(() => new SessionTokenFormat({ signingKeys: ['\u00e9'.repeat(7)] })).toThrow(/14 bytes are too short/);
  });

  it('keeps its own copy of a key', () => {
    const bytes = Buffer.from(key);
    const format = new SessionTokenFormat({ signingKeys: [bytes] });
    bytes.fill(0);
    expect(format.format(id)).toBe(signed.format(id));
  });

  it.each([
    ['no signing keys', { signingKeys: [] }, /^signingKeys: an empty list is not allowed; give /],
    ['a text instead of a list', { signingKeys: key }, /^signingKeys: a string is not allowed; /],
    ['an empty key', { signingKeys: [key, ''] }, /^signingKeys\[1\]: 0 bytes are too short; .* at least 16 bytes$/],
    ['a short key', { signingKeys: ['fifteen letters'] }, /^signingKeys\[0\]: 15 bytes are too short; /],
    ['a number as key', { signingKeys: [42] }, /^signingKeys\[0\]: a value of type number is not allowed; /],
  ])('B69: refuses %s at boot', (_title, options, message) => {
    const build = () => new SessionTokenFormat(options as never);
    expect(build).toThrow(SessionConfigurationError);
    expect(build).toThrow(message);
  });

  it('names no key in the error about it', () => {
    expect(() => new SessionTokenFormat({ signingKeys: ['hunter2'] })).toThrow(/^(?!.*hunter2)/);
  });
});
