import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseSessionHandle, sessionHandle } from './session-handle.js';
import { accessOf, generateSessionId, isSessionId } from './session-id.js';

const { key } = accessOf(generateSessionId());

describe('a handle of a session', () => {
  it('is read back', () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (large) => {
        // Ten digits are enough for a login each millisecond in a hundred thousand years.
        const logins = large % 36 ** 10;
        expect(parseSessionHandle(sessionHandle({ key, logins }))).toEqual({ key, logins });
      }),
    );
  });

  it('has a version, the key and the number of logins, and opens nothing', () => {
    expect(sessionHandle({ key, logins: 36 })).toBe(`sh1_${key}_10`);
    expect(isSessionId(sessionHandle({ key, logins: 36 }))).toBe(false);
  });

  it('is the same for the same session and principal, and another one after a login', () => {
    const other = accessOf(generateSessionId()).key;
    expect(sessionHandle({ key, logins: 1 })).toBe(sessionHandle({ key, logins: 1 }));
    expect(sessionHandle({ key, logins: 2 })).not.toBe(sessionHandle({ key, logins: 1 }));
    expect(sessionHandle({ key: other, logins: 1 })).not.toBe(sessionHandle({ key, logins: 1 }));
  });

  it.each([
    ['nothing', ''],
    ['an id', generateSessionId()],
    ['a key', key],
    ['another version', `sh2_${key}_0`],
    ['no logins', `sh1_${key}`],
    ['empty logins', `sh1_${key}_`],
    ['a leading zero', `sh1_${key}_01`],
    ['logins with a sign', `sh1_${key}_-1`],
    ['logins with a fraction', `sh1_${key}_1.0`],
    ['logins in capitals', `sh1_${key}_A`],
    ['too many logins', `sh1_${key}_${'z'.repeat(11)}`],
    ['a key cut short', `sh1_${key.slice(1)}_0`],
    ['a key too long', `sh1_A${key}_0`],
    ['a key whose last character would decode to the same bytes', `sh1_${'A'.repeat(21)}B_0`],
    ['white space around it', ` sh1_${key}_0`],
    ['a line break at its end', `sh1_${key}_0\n`],
    ['capitals in front', `SH1_${key}_0`],
  ])('is not %s', (_title, text) => {
    expect(parseSessionHandle(text)).toBeUndefined();
  });
});
