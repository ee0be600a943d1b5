import { describe, expect, it } from '@jest/globals';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { type HeadHeaders, RawResponseHeaders } from './raw-response-headers.js';

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
