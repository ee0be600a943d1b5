import { describe, expect, it } from '@jest/globals';
import type { ResponseHeaders } from '../response/response-headers.js';
import { keepPrivate, protectFromCaches, varyBy } from './cache-headers.js';

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

/** The headers after `change`. */
function headersAfter(
  change: (headers: ResponseHeaders) => void,
  before: Record<string, string>,
): Record<string, string> {
  const lines = { ...before };
  const nameOf = (name: string): string =>
    Object.keys(lines).find((each) => each.toLowerCase() === name.toLowerCase()) ?? name;
  change({
    get: (name) => lines[nameOf(name)],
    set: (name, value) => void (lines[nameOf(name)] = value),
    append: () => expect('append').toBe('not called'),
  });
  return lines;
}

function cacheControlAfter(before: string | undefined): string | undefined {
  return headersAfter(protectFromCaches, before === undefined ? {} : { 'Cache-Control': before })['Cache-Control'];
}

describe('keepPrivate', () => {
  it('C10: says private, unless the application says anything', () => {
    expect(headersAfter(keepPrivate, {})).toEqual({ 'Cache-Control': 'private' });
    expect(headersAfter(keepPrivate, { 'Cache-Control': 'max-age=60' })).toEqual({ 'Cache-Control': 'max-age=60' });
  });
});

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

  it('C10: takes back what the application said to single caches', () => {
    const before = { 'Cache-Control': 'private', 'CDN-Cache-Control': 'max-age=60', 'X-Accel-Expires': '60' };
    expect(headersAfter(protectFromCaches, before)).toEqual({
      'Cache-Control': 'private',
      'CDN-Cache-Control': 'no-store',
      'X-Accel-Expires': '0',
    });
  });
});
