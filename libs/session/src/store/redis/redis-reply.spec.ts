import { describe, expect, it } from '@jest/globals';
import { parseRedisReply } from './redis-reply.js';

const parsed = (reply: string) => parseRedisReply(Buffer.from(reply));
const HEAD = '2 1000 2000 1 5000 0 1000 60000 120000 30000 7.w7';
const record = (...parts: [string, string][]): string => {
  const lengths = parts.flat().map((text) => Buffer.byteLength(text));
  return `${[HEAD, ...lengths].join(' ')}\n${parts.flat().join('')}`;
};
const times = { createdAt: 1000, lastAccessedAt: 2000, joined: true, expiresAt: 5000 };

describe('an answer of a script', () => {
  it.each([
    ['0', { code: 'none', isRenewed: false }],
    ['0 1', { code: 'none', isRenewed: true }],
    ['1 1000 2000 1 5000 1', { code: 'times', times, hasChanged: true, stamp: undefined }],
    ['1 1000 2000 1 5000 0 8.w8', { code: 'times', times, hasChanged: false, stamp: '8.w8' }],
    ['3 4096', { code: 'too-large', bytes: 4096 }],
    ['4', { code: 'foreign' }],
    ['5', { code: 'unlocked' }],
    ['6', { code: 'foreign' }],
    ['', { code: 'foreign' }],
  ])('%j is %j', (reply, expected) => {
    expect(parsed(reply)).toEqual(expected);
  });

  it.each([
    ['plain text', 'one', '1{"a":1}'],
    ['no text', 'none', ''],
    ['line feeds and blanks', 'a b\n', 'x\n1 2 3\n'],
    ['letters of several bytes', 'Zażółć', '1{"a":"gęślą jaźń – 🦔"}'],
    ['a lone half of a pair', 'half', `1{"a":"\\ud83e"}`],
  ])('a record gives %s back', (_, name, payload) => {
    const reply = parsed(record([`:${name}`, `3.w3\n${payload}`], [':last', '7.w7\n1{}']));

    expect(reply).toEqual({
      code: 'record',
      hasChanged: false,
      record: {
        ...times,
        lifetime: { idleTimeoutMs: 60_000, absoluteTimeoutMs: 120_000, unjoinedTimeoutMs: 30_000 },
        stamp: '7.w7',
        parts: new Map([
          [name, { version: '3.w3', payload }],
          ['last', { version: '7.w7', payload: '1{}' }],
        ]),
      },
    });
  });

  it('a record without parts is one', () => {
    expect(parsed(`${HEAD}\n`)).toMatchObject({ code: 'record', record: { parts: new Map() } });
  });

  it.each([
    ['a part without a version', record([':a', '1{}'])],
    ['a part with half a version', record([':a', '7\n1{}'])],
    ['a stamp of two words', record([':a', '7.w7\n1{}']).replace('7.w7 ', '7.w7 x ')],
    ['a stamp of two lines', record([':a', '7.w7\n1{}']).replace('7.w7 ', '7.\nw7 ')],
  ])('%s is damage', (_, reply) => {
    expect(parsed(reply)).toEqual({ code: 'foreign' });
  });
});
