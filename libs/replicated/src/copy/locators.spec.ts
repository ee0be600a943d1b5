import { describe, expect, it } from '@jest/globals';
import { Locators } from './locators.js';

const ACCESS = { key: 'k'.repeat(22), proof: 'p'.repeat(22) };
const EPOCH = { node: 's1', backup: 's2', counter: 41, generation: 0 };

describe('a locator', () => {
  const locators = new Locators('a secret of 16 bytes or more');
  const text = locators.textOf(ACCESS, EPOCH);

  it('names primary, backup and epoch, in fields that fit into a cookie', () => {
    expect(text).toMatch(/^s1\.s2\.15\.[A-Za-z0-9_-]{22}$/);
    expect(locators.parse(ACCESS, text)).toEqual({ ...EPOCH, from: 'client' });
    const alone = { ...EPOCH, backup: '-' };
    expect(locators.parse(ACCESS, locators.textOf(ACCESS, alone))).toEqual({ ...alone, from: 'client' });
  });

  it('says how often the id was renewed, once it was', () => {
    const renewed = { ...EPOCH, generation: 37 };

    expect(locators.textOf(ACCESS, renewed)).toMatch(/^s1\.s2\.15-11\.[A-Za-z0-9_-]{22}$/);
    expect(locators.parse(ACCESS, locators.textOf(ACCESS, renewed))).toEqual({ ...renewed, from: 'client' });
  });

  it.each([
    ['of another session', { ...ACCESS, key: 'x'.repeat(22) }, text],
    ['of another id of the session', { ...ACCESS, proof: 'x'.repeat(22) }, text],
    ['with another epoch', ACCESS, text.replace('.15.', '.16.')],
    ['with another number of renewals', ACCESS, text.replace('.15.', '.15-1.')],
    ['with another primary', ACCESS, text.replace('s1', 's3')],
    ['with another backup', ACCESS, text.replace('s2', '-')],
    ['without a signature', ACCESS, text.replace(/[^.]+$/, '-')],
    ['with a signature cut short', ACCESS, text.slice(0, -1)],
    ['of another secret', ACCESS, new Locators('another secret, as long').textOf(ACCESS, EPOCH)],
  ])('%s counts as none', (_what, access, forged) => {
    expect(locators.parse(access, forged)).toBeUndefined();
  });

  it('of the application itself is believed like one that nobody has signed', () => {
    expect(locators.parse({ key: ACCESS.key, logins: 1 }, text)).toEqual({ ...EPOCH, from: 'anybody' });
    expect(locators.parse({ key: ACCESS.key, logins: 1 }, 'no locator')).toBeUndefined();
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
    's1.s2.1-0.-',
    's1.s2.1-01.-',
    's1.s2.A.-',
    's1.s2.1-.-',
    's1.s2.1--1.-',
    's1.s2.1-1-1.-',
    's1.s2.zzzzzzzzz.-',
    's1.s2.1-zzzzzzzzz.-',
    's 1.s2.1.-',
    `${'s'.repeat(33)}.s2.1.-`,
  ])('is not %s, signed or not', (given) => {
    expect(locators.parse(ACCESS, given)).toBeUndefined();
    expect(new Locators(undefined).parse(ACCESS, given)).toBeUndefined();
  });

  it('[M6] proves nothing where there is no secret', () => {
    const unsigned = new Locators(undefined);

    expect(unsigned.textOf(ACCESS, EPOCH)).toBe('s1.s2.15.-');
    expect(unsigned.parse(ACCESS, 's1.s2.15.-')).toEqual({ ...EPOCH, from: 'anybody' });
    expect(unsigned.parse(ACCESS, text)).toBeUndefined();
  });
});
