import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readCookie } from './cookie-header.js';

const NAME = '__Host-sid';
const read = (header: string | undefined) => readCookie(header, NAME);

/** The rule word by word, with every allocation that readCookie avoids. */
function readBySplitting(header: string, name: string): string | string[] | undefined {
  const values = new Set<string>();
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals === -1) continue;
    const [key, value] = [pair.slice(0, equals), pair.slice(equals + 1)].map((part) =>
      part.replace(/^[ \t]+|[ \t]+$/g, ''),
    );
    if (key === name) values.add(value ?? '');
  }
  return values.size > 1 ? [...values] : [...values][0];
}

describe('readCookie', () => {
  it('agrees with splitting the header, for headers made of everything that means something', () => {
    const piece = fc.constantFrom(
      'sid',
      'si',
      'd',
      's',
      '=',
      '=',
      ';',
      ';',
      ' ',
      '\t',
      '"',
      '\u2000',
      '\u00a0',
      'x',
      '$',
      ',',
    );
    const header = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(header, fc.constantFrom('sid', 's', 'ss'), (text, name) => {
        expect(readCookie(text, name)).toEqual(readBySplitting(text, name));
      }),
      { numRuns: 20_000 },
    );
  });

  it('finds the cookie among any others', () => {
    const other = fc.stringMatching(/^[a-z]{1,8}=[ -:<-~]{0,20}$/);
    fc.assert(
      fc.property(fc.array(other), fc.array(other), fc.stringMatching(/^[\w.-]{0,50}$/), (before, after, value) => {
        expect(read([...before, `${NAME}=${value}`, ...after].join('; '))).toBe(value);
      }),
    );
  });

  it.each([
    ['B1', 'no header', undefined, undefined],
    ['B1', 'an empty header', '', undefined],
    ['B1', 'an empty value', '__Host-sid=', ''],
    ['B1', 'the name without "="', '__Host-sid', undefined],
    ['B1', 'the name without "=", before another pair', '__Host-sid; a=b', undefined],
    ['B4', 'U+2000 before the name', '\u2000__Host-sid=x', undefined],
    ['B4', 'a no-break space before the name', 'a=b; \u00a0__Host-sid=x', undefined],
    ['B4', 'a vertical tab before the name', 'a=b;\u000b__Host-sid=x', undefined],
    ['B4', 'a no-break space behind the name', '__Host-sid\u00a0=x', undefined],
    ['B4', 'a no-break space behind the value', '__Host-sid=x\u00a0', 'x\u00a0'],
    ['B9, K4', 'different values', '__Host-sid=x; __Host-sid=y', ['x', 'y']],
    ['B9, K4', 'different values with others between them', '__Host-sid=x; a=b; c; __Host-sid=y; d=e', ['x', 'y']],
    ['B9, K4', 'a value and an empty one', '__Host-sid=; __Host-sid=y', ['', 'y']],
    ['B9, K4', 'two equal values and a third one', '__Host-sid=x; __Host-sid=x; __Host-sid=y', ['x', 'y']],
    ['B9', 'equal values', '__Host-sid=x; a=b; __Host-sid=x', 'x'],
    ['B10, K3', 'two headers joined by Node', 'a=b; __Host-sid=x', 'x'],
    ['B11, K12', 'a nameless cookie', '=__Host-sid=x', undefined],
    ['B11, K12', 'a nameless cookie beside ours', '=__Host-sid=evil; __Host-sid=x', 'x'],
    ['B11, K5', 'another case', '__HOST-SID=x; __HOST-sid=y', undefined],
    ['B11, K13', '$Version and $Path', '$Version=1; __Host-sid=x; $Path=/', 'x'],
    ['B11, K13', 'a name with a dollar', '$__Host-sid=x', undefined],
    ['B11', 'a longer name', 'x__Host-sid=1; __Host-sidx=2; __Host-sid.=3', undefined],
    ['B11', 'the name inside a value', 'a=__Host-sid=x; b= __Host-sid=y', undefined],
    ['B11', 'the name inside our own value', '__Host-sid=__Host-sid=x', '__Host-sid=x'],
    ['B11', 'a comma instead of a semicolon', 'a=b, __Host-sid=x', undefined],
    ['B11', 'our cookie between quotes of others', 'a="x; __Host-sid=y; z"', 'y'],
    ['B11, K4', 'a second one between quotes of others', '__Host-sid=x; a="x; __Host-sid=y; z"', ['x', 'y']],
    ['B12, K14', 'quotes', '__Host-sid="x"', '"x"'],
    ['B12, K14', 'a quote that never ends', '__Host-sid="x; a=b', '"x'],
    ['B13', 'cookies with names of Object.prototype', '__proto__=a; constructor=b; __Host-sid=x', 'x'],
    ['B5', 'percent-encoding', '__Host-sid=%41', '%41'],
    ['B5', 'a percent-encoded name', '__Host-si%64=x', undefined],
    ['K13', 'spaces and tabs', ' \t__Host-sid \t= \tx \t;', 'x'],
    ['K13', 'a space inside the value', '__Host-sid=x y', 'x y'],
    ['K13', 'no space after the semicolon', 'a=b;__Host-sid=x;c=d', 'x'],
    ['K13', 'empty pairs', ';; ;__Host-sid=x;;', 'x'],
  ])('%s: %s', (_rule, _title, header, expected) => {
    expect(read(header)).toEqual(expected);
  });

  it('B10: finds it behind 200 other cookies', () => {
    const others = Array.from({ length: 200 }, (_, index) => `other${index}=${'v'.repeat(50)}`);
    expect(read([...others, '__Host-sid=x'].join('; '))).toBe('x');
  });

  it('B2: takes a value of 15 KB as it is', () => {
    const value = 'A'.repeat(15 * 1024);
    expect(read(`__Host-sid=${value}`)).toBe(value);
  });

  // A quadratic scanner needs minutes for each of these.
  it.each([
    ['the name again and again', 'sid'],
    ['the name and blanks', `sid${' '.repeat(1_000)}`],
    ['blanks', ' '],
    ['semicolons', ';'],
    ['pairs without "="', 'sid;'],
    ['pairs of the same value', 'sid=x;'],
    ['equals signs', '='],
  ])('B2: needs linear time for a header of %s', (_title, piece) => {
    const header = piece.repeat(Math.ceil(2_000_000 / piece.length));
    const started = performance.now();
    readCookie(header, 'sid');
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
