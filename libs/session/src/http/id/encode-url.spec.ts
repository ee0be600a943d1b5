import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { encodeUrl } from './encode-url.js';
import { readUrlParameter } from './url-parameter.js';

describe('encodeUrl', () => {
  it.each([
    ['/', '/?sid=T'],
    ['/cart', '/cart?sid=T'],
    ['/cart?page=2', '/cart?page=2&sid=T'],
    ['/cart?page=2#top', '/cart?page=2&sid=T#top'],
    ['/cart#top?x=y', '/cart?sid=T#top?x=y'],
    ['/cart?', '/cart?sid=T'],
    ['/cart?sid=old', '/cart?sid=T'],
    ['/cart?sid=old&page=2&sid=older', '/cart?page=2&sid=T'],
    ['?page=2', '?page=2&sid=T'],
    ['items/1:2', 'items/1:2?sid=T'],
    ['../up', '../up?sid=T'],
    ['/go?to=https://example.org/', '/go?to=https://example.org/&sid=T'],
  ])('puts the token into %s', (url, expected) => {
    expect(encodeUrl(url, 'T')).toBe(expected);
  });

  it.each([
    ['an address elsewhere', 'https://example.org/'],
    ['an address elsewhere without scheme', '//example.org/'],
    ['three slashes', '///example.org/'],
    ['a backslash that browsers read as a slash', '/\\example.org/'],
    ['a tab that browsers drop', '/\t/example.org/'],
    ['a line break that browsers drop', 'ht\ntps://example.org/'],
    ['a blank that browsers trim', ' https://example.org/'],
    ['mail', 'mailto:a@example.org'],
    ['a script', 'javascript:void(0)'],
    ['a fragment of the page', '#top'],
    ['nothing', ''],
  ])('R48: leaves %s alone', (_title, url) => {
    expect(encodeUrl(url, 'T')).toBe(url);
  });

  it('R48: never gives the token to another host, as browsers resolve addresses', () => {
    const piece = fc.constantFrom('/', '\\', ':', '.', '?', '#', '@', '\t', ' ', 'http', 'x', 'evil.test', '&', '=');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const url = pieces.join('');
        fc.pre(encodeUrl(url, 'T') !== url);
        expect(new URL(encodeUrl(url, 'T'), 'https://app.test/a/b').host).toBe('app.test');
      }),
      { numRuns: 10_000 },
    );
  });

  it('is read back by the transport, also when it is applied twice', () => {
    const part = fc.stringMatching(/^[a-z0-9=&;.%?/-]{0,20}$/);
    fc.assert(
      fc.property(part, fc.option(part), (address, fragment) => {
        const url = `/a${address}${fragment === null ? '' : `#${fragment}`}`;
        expect(readUrlParameter(encodeUrl(encodeUrl(url, 'old'), 'T'))).toBe('T');
      }),
    );
  });
});
