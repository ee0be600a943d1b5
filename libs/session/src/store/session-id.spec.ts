import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { generateSessionId, isSessionId, sessionHash, sessionKeyOf } from './session-id.js';

const idBytes = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('generateSessionId', () => {
  it('R1: gives 43 base64url characters that are all 32 bytes of the source', () => {
    fc.assert(
      fc.property(idBytes, (bytes) => {
        const id = generateSessionId(() => Buffer.from(bytes));
        expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/);
        expect(Buffer.from(id, 'base64url')).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('R1: 20,000 ids are distinct, and each bit is set in half of them', () => {
    const ids = Array.from({ length: 20_000 }, () => generateSessionId());
    expect(new Set(ids).size).toBe(ids.length);
    const decoded = ids.map((id) => Buffer.from(id, 'base64url'));
    const counts = Array.from({ length: 256 }, (_, bit) => {
      return decoded.filter((bytes) => (bytes.readUInt8(bit >> 3) >> (bit & 7)) & 1).length;
    });
    // 10,000 expected with a deviation of 71: 500 is 7 deviations.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  it('R1: throws when the source of randomness throws', () => {
    expect(() =>
      generateSessionId(() => {
        throw new Error('no entropy');
      }),
    ).toThrow('no entropy');
  });

  it('R1: throws when the source gives fewer bytes', () => {
    expect(() => generateSessionId(() => randomBytes(31))).toThrow(RangeError);
    expect(() => generateSessionId(() => Buffer.alloc(0))).toThrow(RangeError);
  });
});

describe('isSessionId', () => {
  it('accepts every id that can be generated', () => {
    fc.assert(
      fc.property(idBytes, (bytes) => {
        expect(isSessionId(Buffer.from(bytes).toString('base64url'))).toBe(true);
      }),
    );
  });

  it('accepts one text only of those that decode to the same bytes', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('');
    const start = generateSessionId().slice(0, 42);
    const accepted = alphabet.filter((last) => isSessionId(start + last));
    const canonical = alphabet.filter((last) => {
      return Buffer.from(start + last, 'base64url').toString('base64url') === start + last;
    });
    expect(accepted).toEqual(canonical);
    expect(accepted).toHaveLength(16);
  });

  const good = 'A'.repeat(43);
  it.each([
    ['B5', '42 characters', good.slice(1)],
    ['B5', '44 characters', `${good}A`],
    ['B5', 'nothing', ''],
    ['B5', 'one character', 'A'],
    ['B5', '10,000 characters', 'A'.repeat(10_000)],
    ['B5', 'base64 instead of base64url', `+${good.slice(1)}`],
    ['B5', 'a slash', `/${good.slice(1)}`],
    ['B5', 'padding', `${good.slice(1)}=`],
    ['B5', 'a space', ` ${good.slice(1)}`],
    ['B5', 'an encoded NUL', `%00${good.slice(3)}`],
    ['B5', 'broken UTF-8', `%E0%A4%A${good.slice(8)}`],
    ['B5', 'a line break at the end', `${good}\n`],
    ['B5', 'letters beyond ASCII', `${good.slice(1)}\u0141`],
    ['B12', 'quotes', `"${good.slice(2)}"`],
    ['B8', 'a path', '../../etc/passwd'],
    ['B8', 'a store command', 'sess:x\r\nDEL y'],
    ['B8', '__proto__', '__proto__'],
    ['B8', 'hasOwnProperty', 'hasOwnProperty'],
  ])('%s: refuses %s', (_rule, _title, text) => {
    expect(isSessionId(text)).toBe(false);
  });
});

describe('sessionKeyOf', () => {
  it('R8: is SHA-256 of the id in base64url, so it does not show the id', () => {
    const id = generateSessionId();
    expect(sessionKeyOf(id)).toBe(createHash('sha256').update(id).digest('base64url'));
    expect(sessionKeyOf(id)).toHaveLength(43);
  });
});

describe('sessionHash', () => {
  it('R8: is the first 8 characters of the key', () => {
    expect(sessionHash('0123456789abcdef')).toBe('01234567');
  });
});
