import { describe, expect, it } from '@jest/globals';
import type { ResponseHeaders } from '../response/response-headers.js';
import { protectFromCaches, varyBy } from './cache-headers.js';

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

function cacheControlAfter(before: string | undefined): string | undefined {
  let value = before;
  const headers: ResponseHeaders = {
    get: () => value,
    set: (name, next) => {
      expect(name).toBe('Cache-Control');
      value = next;
    },
    append: () => expect('append').toBe('not called'),
  };
  protectFromCaches(headers);
  return value;
}

describe('protectFromCaches', () => {
  it.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['public', 'public, max-age=3600'],
    ['only no-cache', 'no-cache'],
    ['a directive that contains the word', 'x-no-store, privately'],
    ['private for some fields only', 'private="set-cookie", max-age=60'],
    ['the word in quotes', 'ext="a, no-store, b"'],
  ])('R9: sets no-store where the application set %s', (_title, before) => {
    expect(cacheControlAfter(before)).toBe('no-store');
  });

  it.each([
    'no-store',
    'private',
    'private, max-age=60',
    'max-age=0,NO-STORE',
    'no-cache, Private',
    'ext="a", private',
  ])('R9: leaves %s of the application', (before) => {
    expect(cacheControlAfter(before)).toBe(before);
  });
});
