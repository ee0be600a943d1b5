import { describe, expect, it } from '@jest/globals';
import { Locators } from './locators.js';

const KEY = 'k'.repeat(43);
const OWNERS = { node: 's1', backup: 's2', counter: 41 };

describe('a locator', () => {
  const locators = new Locators('a secret of 16 bytes or more');
  const text = locators.textOf(KEY, OWNERS);

  it('names primary, backup and epoch, in fields that fit into a cookie', () => {
    expect(text).toMatch(/^s1\.s2\.15\.[A-Za-z0-9_-]{22}$/);
    expect(locators.parse(KEY, text)).toEqual(OWNERS);
    const alone = { ...OWNERS, backup: '-' };
    expect(locators.parse(KEY, locators.textOf(KEY, alone))).toEqual(alone);
  });

  it.each([
    ['of another session', 'x'.repeat(43), text],
    ['with another epoch', KEY, text.replace('.15.', '.16.')],
    ['with another primary', KEY, text.replace('s1', 's3')],
    ['with another backup', KEY, text.replace('s2', '-')],
    ['without a signature', KEY, text.replace(/[^.]+$/, '-')],
    ['with a signature cut short', KEY, text.slice(0, -1)],
    ['of another secret', KEY, new Locators('another secret, as long').textOf(KEY, OWNERS)],
  ])('%s counts as none', (_what, key, forged) => {
    expect(locators.parse(key, forged)).toBeUndefined();
  });

  it.each([
    undefined,
    '',
    's1',
    's1.s2.1',
    's1.s2.1.-.x',
    's1.s1.1.-',
    '-.s2.1.-',
    's1.s2.0.-',
    's1.s2.01.-',
    's1.s2.A.-',
    's1.s2.zzzzzzzzz.-',
    's 1.s2.1.-',
    `${'s'.repeat(33)}.s2.1.-`,
  ])('is not %s, signed or not', (given) => {
    const unsigned = new Locators(undefined);
    expect(locators.parse(KEY, given)).toBeUndefined();
    const isReadable = given === 's1.s2.01.-';
    expect(unsigned.parse(KEY, given)).toEqual(isReadable ? { node: 's1', backup: 's2', counter: 1 } : undefined);
  });

  it('may be unsigned where there is no secret', () => {
    const unsigned = new Locators(undefined);

    expect(unsigned.textOf(KEY, OWNERS)).toBe('s1.s2.15.-');
    expect(unsigned.parse(KEY, 's1.s2.15.-')).toEqual(OWNERS);
    expect(unsigned.parse(KEY, text)).toBeUndefined();
  });
});
