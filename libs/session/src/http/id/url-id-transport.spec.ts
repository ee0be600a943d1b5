import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { AMBIGUOUS } from './id-transport.js';
import { encodeUrl, readUrlParameter, withUrlParameter } from './url-id-transport.js';

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

describe('readUrlParameter', () => {
  it.each([
    ['the only parameter', '/?sid=x', 'x'],
    ['the last one', '/a/b?c=d&sid=x', 'x'],
    ['one in the middle', '/?a=b&sid=x&c=d', 'x'],
    ['an absolute target', 'http://host/a?sid=x', 'x'],
    ['an empty value', '/?sid=', ''],
    ['the name without "="', '/?a&sid', ''],
    ['no query', '/sid=x', undefined],
    ['an empty query', '/?', undefined],
    ['an empty target', '', undefined],
    ['B15: a path parameter', '/a;sid=x;sid=y', undefined],
    ['B15: a path parameter before a query', '/a;sid=x?b=c', undefined],
    ['B15: an encoded path parameter', '/a%3Bsid%3Dx', undefined],
    ['B15: the middle of the path', '/a/sid=x/b', undefined],
    ['a semicolon between parameters', '/?a=b;sid=x', undefined],
    ['an encoded name', '/?%73id=x', undefined],
    ['an encoded value, as it stands', '/?sid=%41', '%41'],
    ['another case', '/?SID=x', undefined],
    ['a longer name', '/?sidx=1&xsid=2&sid[]=3&sid%00=4', undefined],
    ['a value that looks like it', '/?a=sid=x', undefined],
    ['a second question mark', '/?a=b?sid=x', undefined],
    ['a fragment', '/?a=b#?sid=x', undefined],
    ['a fragment without query', '/#?sid=x', undefined],
    ['a value before a fragment', '/?sid=x#&sid=y', 'x'],
    ['R47: two', '/?sid=x&sid=y', AMBIGUOUS],
    ['R47: two equal ones', '/?sid=x&sid=x', AMBIGUOUS],
    ['R47: one without value', '/?sid&a=b&sid=x', AMBIGUOUS],
  ])('reads %s', (_title, url, expected) => {
    expect(readUrlParameter(url)).toBe(expected);
  });

  it('agrees with splitting the query, for targets made of everything that means something', () => {
    const piece = fc.constantFrom('sid', 'sid=', 'si', 'd', '=', '&', '?', '#', '/', 'x', '%73id', ';');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const url = pieces.join('');
        const target = url.split('#', 1)[0] ?? '';
        const query = target.includes('?') ? target.slice(target.indexOf('?') + 1).split('&') : [];
        const values = query.filter((pair) => pair === 'sid' || pair.startsWith('sid=')).map((pair) => pair.slice(4));
        expect(readUrlParameter(url)).toBe(values.length > 1 ? AMBIGUOUS : values[0]);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('withUrlParameter', () => {
  it('keeps the other parameters as they stand and leaves one sid', () => {
    expect(withUrlParameter('', 'T')).toBe('sid=T');
    expect(withUrlParameter('a=%20+b&c', 'T')).toBe('a=%20+b&c&sid=T');
    expect(withUrlParameter('sid=old&a=b&sid&sid=x&sidx=1', 'T')).toBe('a=b&sidx=1&sid=T');
  });
});
