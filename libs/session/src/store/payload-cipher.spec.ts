import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BROKEN_SEAL, type EncryptionKey, NO_SEAL, PayloadCipher, SEALED } from './payload-cipher.js';
import type { SessionRecord } from './session-record.js';

const [OLD, NEW] = [randomBytes(32), randomBytes(32)] as const;
const KEY = 'a'.repeat(22);

function seal(cipher: PayloadCipher, payload: string, name = 'cart', session = KEY): string {
  return cipher.sealed(new Map([[name, { base: null, payload }]]), session).get(name)?.payload ?? '';
}

function open(cipher: PayloadCipher, payload: string, name = 'cart', session = KEY): string | undefined {
  const parts = new Map([[name, { version: '1.a', payload }]]);
  return cipher.opened({ parts } as unknown as SessionRecord, session).parts.get(name)?.payload;
}

describe('encrypted payloads', () => {
  const cipher = new PayloadCipher([OLD]);

  it('open to what was sealed, and never look alike', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (payload, name) => {
        const sealed = seal(cipher, payload, name);
        expect(open(cipher, sealed, name)).toBe(Buffer.from(payload).toString());
        expect(sealed).toMatch(/^e1[A-Za-z0-9_-]{46,}$/);
        expect(seal(cipher, payload, name)).not.toBe(sealed);
      }),
    );
  });

  it('B45 do not open in another session, in another bean, or with a key that is not theirs', () => {
    const sealed = seal(cipher, '1{"secret":true}');
    expect(open(cipher, sealed, 'cart', 'b'.repeat(22))).toBe(BROKEN_SEAL);
    expect(open(cipher, sealed, 'user')).toBe(BROKEN_SEAL);
    expect(open(new PayloadCipher([NEW]), sealed)).toBe(sealed);
  });

  it('B45 do not open when any character of them was changed, or some are missing', () => {
    const sealed = seal(cipher, '1{"n":1}');
    const nameEnd = SEALED.length + 8;
    // Of the last character some bits are no part of the bytes.
    for (let at = nameEnd; at < sealed.length - 1; at++) {
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
      expect(open(cipher, changed)).toBe(BROKEN_SEAL);
    }
    for (let length = nameEnd; length < sealed.length - 1; length++) {
      expect(open(cipher, sealed.slice(0, length))).toBe(BROKEN_SEAL);
    }
  });

  it('open with any key of the list, while the first seals', () => {
    const [before, after] = [new PayloadCipher([OLD, NEW]), new PayloadCipher([createSecretKey(NEW), OLD])];
    expect(open(after, seal(before, 'a'))).toBe('a');
    expect(open(before, seal(after, 'b'))).toBe('b');
    expect(open(cipher, seal(after, 'c'))).not.toBe('c');
    expect(before.keyNames).toEqual(after.keyNames.toReversed());
  });

  it('stand beside plain ones where the list says so', () => {
    const [switchingOn, switchingOff] = [new PayloadCipher([OLD, 'plain']), new PayloadCipher(['plain', OLD])];
    expect(open(cipher, '1{}')).toBe(NO_SEAL);
    expect(open(switchingOn, '1{}')).toBe('1{}');
    expect(seal(switchingOn, '1{}')).toMatch(/^e1/);
    expect(seal(switchingOff, '1{}')).toBe('1{}');
    expect(open(switchingOff, seal(switchingOn, '2{}'))).toBe('2{}');
  });

  it('leave removals and bases as they are', () => {
    const parts = new Map([['cart', { base: '1.a', payload: null }]]);
    expect(cipher.sealed(parts, KEY)).toEqual(parts);
  });

  const { publicKey } = generateKeyPairSync('ed25519');
  it.each<[string, readonly unknown[] | string, RegExp]>([
    ['no key', [], /at least one key/],
    ['a text for the list', 'secret', /at least one key/],
    ['only plain', ['plain'], /at least one key/],
    ['a text', [OLD, 'a passphrase of some length, 32 chars'], /^encryptionKeys\[1\]: .*openssl rand -base64 32/],
    ['too few bytes', [OLD.subarray(0, 16)], /^encryptionKeys\[0\]: 16 bytes cannot be used/],
    ['a public key', [publicKey], /^encryptionKeys\[0\]: a public key/],
    ['nothing', [undefined], /^encryptionKeys\[0\]: .*undefined/],
  ])('refuse %s with one line that shows no key', (_title, keys, line) => {
    const refused = (): unknown => new PayloadCipher(keys as EncryptionKey[]);
    expect(refused).toThrow(line);
    expect(refused).not.toThrow(/passphrase|secret/);
  });
});
