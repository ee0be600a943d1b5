import { describe, expect, it } from '@jest/globals';
import { parseRedisReply } from './redis-reply.js';

const FIELDS = { head: '1 proof 2 4 7.w7', times: '2 2000 1000 60000 120000 30000' };

/** The answer with these fields, packed as a script packs them. All are shorter than 256 bytes. */
function record(fields: Readonly<Record<string, string>>): Buffer {
  const texts = Object.entries(fields).flat();
  const packed = texts.map((text) => Buffer.concat([Buffer.of(0xd9, Buffer.byteLength(text)), Buffer.from(text)]));
  return Buffer.concat([Buffer.from('2 0 5000\n'), Buffer.of(0x90 | texts.length), ...packed]);
}

const anonymous = { createdAt: 1000, authenticatedAt: undefined, lastAccessedAt: 2000, expiresAt: 5000 };
const lifetime = { idleTimeoutMs: 60_000, absoluteTimeoutMs: 120_000, unjoinedTimeoutMs: 30_000 };

describe('an answer of a script', () => {
  it.each([
    ['0', { code: 'none' }],
    [
      '1 1 5000 - 0 2000 1000 60000 120000 30000',
      { code: 'times', times: { ...anonymous, joined: false, confirmed: false }, hasChanged: true, stamp: undefined },
    ],
    [
      '1 0 5000 1500 1 2000 1000 60000 120000 30000 8.w8',
      {
        code: 'times',
        times: { ...anonymous, authenticatedAt: 1500, joined: true, confirmed: false },
        hasChanged: false,
        stamp: '8.w8',
      },
    ],
    ['3 4096', { code: 'too-large', bytes: 4096 }],
    ['4', { code: 'foreign' }],
    ['5', { code: 'unlocked' }],
    ['6', { code: 'superseded' }],
    ['7 2', { code: 'newer', format: '2' }],
    ['8', { code: 'foreign' }],
    ['', { code: 'foreign' }],
  ])('%j is %j', (reply, expected) => {
    expect(parseRedisReply(Buffer.from(reply))).toEqual(expected);
  });

  it.each([
    ['plain text', 'one', '1{"a":1}'],
    ['no text', 'none', ''],
    ['line feeds and blanks', 'a b\n', 'x\n1 2 3\n'],
    ['letters of several bytes', 'Zażółć', '1{"a":"gęślą jaźń – 🦔"}'],
    ['a lone half of a pair', 'half', `1{"a":"\\ud83e"}`],
  ])('a record gives %s back', (_, name, payload) => {
    const reply = record({ [`:${name}`]: `3.w3\n${payload}`, ...FIELDS, ':last': '7.w7\n1{}' });

    expect(parseRedisReply(reply)).toEqual({
      code: 'record',
      hasChanged: false,
      record: {
        ...anonymous,
        joined: true,
        confirmed: true,
        proof: 'proof',
        logins: 2,
        generation: 4,
        principal: undefined,
        stamp: '7.w7',
        lifetime,
        parts: new Map([
          [name, { version: '3.w3', payload }],
          ['last', { version: '7.w7', payload: '1{}' }],
        ]),
      },
    });
  });

  it.each(['user-17', 'a b', 'line\nfeed', ' ', 'Zażółć', '1 2'])(
    'a record gives the principal %j back',
    (principal) => {
      expect(parseRedisReply(record({ ...FIELDS, login: `1500 ${principal}` }))).toMatchObject({
        code: 'record',
        record: { principal, authenticatedAt: 1500 },
      });
    },
  );

  it('a record without parts is one, whatever other fields it has', () => {
    expect(parseRedisReply(record({ ...FIELDS, recent: 'abc', newer: '' }))).toMatchObject({
      code: 'record',
      record: { parts: new Map() },
    });
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['a part without a version', { ...FIELDS, ':a': '1{}' }],
    ['a part with half a version', { ...FIELDS, ':a': '7\n1{}' }],
    ['a part with the line feed of the next one', { ':a': '7.w7', ':b': '7.w7\n', ...FIELDS }],
    ['no head', { times: FIELDS.times }],
    ['no times', { head: FIELDS.head }],
    ['a head without a stamp', { ...FIELDS, head: '1 proof 2 4' }],
    ['a head of two lines', { ...FIELDS, head: '1 proof 2 4 7.\nw7' }],
    ['a stamp of two words', { ...FIELDS, head: '1 proof 2 4 7.w7 x' }],
    ['times that are no numbers', { ...FIELDS, times: '2 NaN 1000 60000 120000 30000' }],
    ['an unknown state', { ...FIELDS, times: '3 2000 1000 60000 120000 30000' }],
    ['a login of nobody', { ...FIELDS, login: '1500 ' }],
    ['a login without a time', { ...FIELDS, login: 'user-17' }],
  ])('%s is damage', (_, fields) => {
    expect(parseRedisReply(record(fields))).toEqual({ code: 'foreign' });
  });

  it('fields that end too early are damage', () => {
    const whole = record(FIELDS);

    for (let length = whole.indexOf('\n'); length < whole.length; length++)
      expect(parseRedisReply(whole.subarray(0, length))).toEqual({ code: 'foreign' });
  });
});
