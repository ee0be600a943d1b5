import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { appendSetCookie, type HeadHeaders, RawResponseHeaders } from './response-headers.js';

function headersOf(set: Record<string, string | string[]>, handed?: HeadHeaders): [RawResponseHeaders, ServerResponse] {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  for (const [name, value] of Object.entries(set)) response.setHeader(name, value);
  return [new RawResponseHeaders(response, handed), response];
}

describe('headers of a response right before its head', () => {
  it('are those set on it, whatever the case of the name', () => {
    const [headers, response] = headersOf({ Vary: 'Accept', 'Set-Cookie': ['a=1', 'b=2'] });
    expect(headers.get('vary')).toBe('Accept');
    expect(headers.get('Set-Cookie')).toBe('a=1, b=2');
    expect(headers.get('ETag')).toBeUndefined();
    headers.set('VARY', 'Cookie');
    expect(response.getHeader('Vary')).toBe('Cookie');
    expect(headers.forHead).toBeUndefined();
  });

  it('are first of all those handed to writeHead, which would replace what is set', () => {
    const [headers, response] = headersOf({ Vary: 'Accept' }, { vary: 'Origin' });
    headers.set('Vary', `${headers.get('Vary')}, Cookie`);
    expect(headers.forHead).toEqual({ vary: 'Origin, Cookie' });
    expect(response.getHeader('Vary')).toBe('Accept');
  });

  it('do not change the object that was handed over', () => {
    const handed = Object.freeze({ 'Set-Cookie': 'app=1' });
    const [headers] = headersOf({}, handed);
    headers.append('Set-Cookie', 'sid=a');
    headers.append('Set-Cookie', 'sid=b');
    expect(headers.forHead).toEqual({ 'Set-Cookie': ['app=1', 'sid=b'] });
    expect(handed).toEqual({ 'Set-Cookie': 'app=1' });
  });

  it('count by the last of two names that differ in case only, as for Node', () => {
    const [headers] = headersOf({}, { 'set-cookie': 'a=1', 'Set-Cookie': 'b=2' });
    headers.append('Set-Cookie', 'sid=a');
    expect(headers.forHead).toEqual({ 'set-cookie': 'a=1', 'Set-Cookie': ['b=2', 'sid=a'] });
  });

  it.each([
    ['a flat list', ['Set-Cookie', 'a=1', 'X-Own', 'x', 'Set-Cookie', 'b=2']],
    [
      'a list of pairs',
      [
        ['Set-Cookie', 'a=1'],
        ['X-Own', 'x'],
        ['Set-Cookie', 'b=2'],
      ],
    ],
  ])('are understood as %s', (_, handed) => {
    const [headers] = headersOf({}, handed);
    headers.append('set-cookie', 'sid=a');
    expect(headers.forHead).toEqual({ 'Set-Cookie': ['a=1', 'b=2', 'sid=a'], 'X-Own': 'x' });
  });

  it('are appended to', () => {
    const [headers, response] = headersOf({ 'X-List': 'a' });
    headers.append('X-List', 'b');
    headers.append('X-New', 'c');
    expect([response.getHeader('X-List'), response.getHeader('X-New')]).toEqual([['a', 'b'], 'c']);
  });
});

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
