import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { accessOf, generateSessionId, isSessionId, ownText, renewedSessionId, sessionHash } from './session-id.js';

const SELECTOR_BYTES = 16;
const SECRET_BYTES = 32;
const idBytes = fc.uint8Array({ minLength: SELECTOR_BYTES + SECRET_BYTES, maxLength: SELECTOR_BYTES + SECRET_BYTES });

/** A source that gives these bytes, part by part. */
function sourceOf(bytes: Uint8Array): (size: number) => Buffer {
  let at = 0;
  return (size) => Buffer.from(bytes.subarray(at, (at += size)));
}

/** All bytes of an id. */
function bytesOf(id: string): Buffer {
  return Buffer.concat([Buffer.from(id.slice(0, 22), 'base64url'), Buffer.from(id.slice(22), 'base64url')]);
}

describe('generateSessionId', () => {
  it('R1: gives 22 and 43 base64url characters that are all 16 and 32 bytes of the source', () => {
    fc.assert(
      fc.property(idBytes, (bytes) => {
        const id = generateSessionId(sourceOf(bytes));
        expect(id).toMatch(/^[A-Za-z0-9_-]{65}$/);
        expect(bytesOf(id)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('R1: 20,000 ids are distinct in both halves, and each bit is set in half of them', () => {
    const ids = Array.from({ length: 20_000 }, () => generateSessionId());
    expect(new Set(ids.map((id) => id.slice(0, 22))).size).toBe(ids.length);
    expect(new Set(ids.map((id) => id.slice(22))).size).toBe(ids.length);
    const decoded = ids.map(bytesOf);
    const counts = Array.from({ length: 8 * (SELECTOR_BYTES + SECRET_BYTES) }, (_, bit) => {
      return decoded.filter((bytes) => (bytes.readUInt8(bit >> 3) >> (bit & 7)) & 1).length;
    });
    // 10,000 expected with a deviation of 71: 500 is 7 deviations.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  it('R1 F40: throws when the source of randomness throws', () => {
    const broken = (): never => {
      throw new Error('no entropy');
    };
    expect(() => generateSessionId(broken)).toThrow('no entropy');
    expect(() => renewedSessionId('k', broken)).toThrow('no entropy');
  });

  it('R1: throws when the source gives fewer bytes, for either half', () => {
    for (const wrong of [SELECTOR_BYTES, SECRET_BYTES]) {
      const source = (size: number): Buffer => randomBytes(size === wrong ? size - 1 : size);
      expect(() => generateSessionId(source)).toThrow(RangeError);
    }
    expect(() => generateSessionId(() => Buffer.alloc(0))).toThrow(RangeError);
  });
});

describe('renewedSessionId', () => {
  it('R1: is another id of the same session: its selector, with a secret that is all new', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: SECRET_BYTES, maxLength: SECRET_BYTES }), (bytes) => {
        const { key } = accessOf(generateSessionId());
        const id = renewedSessionId(key, sourceOf(bytes));
        expect(isSessionId(id)).toBe(true);
        expect(accessOf(id).key).toBe(key);
        expect(Buffer.from(id.slice(22), 'base64url')).toEqual(Buffer.from(bytes));
      }),
    );
  });
});

describe('isSessionId', () => {
  it('accepts every id that can be generated', () => {
    fc.assert(
      fc.property(idBytes, (bytes) => {
        expect(isSessionId(generateSessionId(sourceOf(bytes)))).toBe(true);
      }),
    );
  });

  it.each([
    ['selector', 21, 4],
    ['secret', 64, 16],
  ])('accepts one text only of those whose %s decodes to the same bytes', (_half, at, count) => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('');
    const id = generateSessionId();
    const half = id.slice(at === 21 ? 0 : 22, at);
    const accepted = alphabet.filter((last) => isSessionId(id.slice(0, at) + last + id.slice(at + 1)));
    const canonical = alphabet.filter((last) => {
      return Buffer.from(half + last, 'base64url').toString('base64url') === half + last;
    });
    expect(accepted).toEqual(canonical);
    expect(accepted).toHaveLength(count);
  });

  const good = 'A'.repeat(65);
  it.each([
    ['B5', '64 characters', good.slice(1)],
    ['B5', '66 characters', `${good}A`],
    ['B5', 'the 43 characters of a secret alone', 'A'.repeat(43)],
    ['B5', 'the 22 characters of a selector alone', 'A'.repeat(22)],
    ['B5', 'a dot between the halves', `${'A'.repeat(22)}.${'A'.repeat(43)}`],
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
    expect(isSessionId(good)).toBe(true);
    expect(isSessionId(text)).toBe(false);
  });
});

describe('accessOf', () => {
  it('R8: has the selector as the key, and as the proof 132 bits of SHA-256 of the whole id', () => {
    const id = generateSessionId();
    const digest = createHash('sha256').update(id).digest('base64url');

    expect(accessOf(id)).toEqual({ key: id.slice(0, 22), proof: digest.slice(0, 22) });
  });

  it('R8: has another proof when either half is another', () => {
    const id = generateSessionId();
    const { key, proof } = accessOf(id);
    const otherKey = accessOf(generateSessionId()).key;

    expect(accessOf(renewedSessionId(key)).proof).not.toBe(proof);
    expect(accessOf(otherKey + id.slice(22)).proof).not.toBe(proof);
  });
});

describe('sessionHash', () => {
  it('R8: is the first 8 characters of the key', () => {
    expect(sessionHash('0123456789abcdef')).toBe('01234567');
  });
});

describe('ownText', () => {
  it('is the same text', () => {
    const { key } = accessOf(generateSessionId());

    expect(ownText(key)).toBe(key);
    expect(ownText('')).toBe('');
  });
});
