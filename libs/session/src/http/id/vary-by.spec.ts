import { describe, expect, it } from '@jest/globals';
import { varyBy } from './vary-by.js';

describe('varyBy', () => {
  it.each([
    ['nothing', undefined, 'Cookie'],
    ['an empty header', '', 'Cookie'],
    ['another field', 'Origin', 'Origin, Cookie'],
    ['a field that begins alike', 'Cookie2', 'Cookie2, Cookie'],
    ['the same field', 'Origin,cookie', 'Origin,cookie'],
    ['everything', '*', '*'],
  ])('R9: adds to %s', (_title, before, after) => {
    let value: string | undefined = before;
    varyBy({ get: () => value, set: (_name, next) => void (value = next), append: () => undefined }, 'Cookie');
    expect(value).toBe(after);
  });
});
