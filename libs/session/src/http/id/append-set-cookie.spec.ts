import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { appendSetCookie } from './append-set-cookie.js';

const line = 'sid=new; Path=/';

describe('appendSetCookie', () => {
  it.each<[string, number | string | string[] | undefined, string[]]>([
    ['nothing is set', undefined, [line]],
    ['one other cookie is set', 'a=b', ['a=b', line]],
    ['several others are set, in their order', ['a=b; Path=/', 'c=d'], ['a=b; Path=/', 'c=d', line]],
    ['the same cookie is set', 'sid=old; Max-Age=0', [line]],
    ['the same cookie is set among others', ['a=b', 'sid=old', 'c=d', 'sid=older'], ['a=b', 'c=d', line]],
    ['the same name stands with blanks', [' sid\t=old'], [line]],
    ['the name only begins alike', ['sid2=x', 'si=y'], ['sid2=x', 'si=y', line]],
    ['the name stands in a value or an attribute', ['a=sid=x', 'b; sid=x'], ['a=sid=x', 'b; sid=x', line]],
    ['the name has another case', ['SID=x'], ['SID=x', line]],
    ['another cookie has no name', ['=sid=x', 'x'], ['=sid=x', 'x', line]],
  ])('K1: when %s', (_title, existing, expected) => {
    expect(appendSetCookie(existing, line)).toEqual(expected);
  });

  it('K1: leaves one line per name that it wrote, and leaves its input alone', () => {
    const anyLine = fc.tuple(fc.constantFrom('a', 'b', 'sid'), fc.string()).map(([name, value]) => `${name}=${value}`);
    fc.assert(
      fc.property(fc.array(anyLine), (existing) => {
        const before = [...existing];
        const lines = appendSetCookie(existing, line);
        expect(lines.filter((each) => each.startsWith('sid='))).toEqual([line]);
        expect(lines.slice(0, -1)).toEqual(before.filter((each) => !each.startsWith('sid=')));
        expect(existing).toEqual(before);
      }),
    );
  });
});
