import { describe, expect, it } from '@jest/globals';
import { recordOf } from './record-lines.js';
import { parseRedisReply } from './redis-reply.js';

const HEAD = '1 proof 2 7.w7 2 2000 4 1000 60000 120000 30000 - short';

const head = {
  proof: 'proof',
  logins: '2',
  stamp: '7.w7',
  state: '2',
  used: '2000',
  generation: '4',
  created: '1000',
  idle: '60000',
  absolute: '120000',
  unjoined: '30000',
  authenticated: '-',
  recent: 'short',
};

describe('an answer of a script', () => {
  it.each([
    ['0', { code: 'none' }],
    ['1 1796000000000', { code: 'saved', now: '1796000000000', hasChanged: true }],
    ['1', { code: 'foreign' }],
    [
      `9 1 3000 5000 8.w8\n${HEAD}`,
      { code: 'times', head, now: '3000', expiresAt: 5000, hasChanged: true, stamp: '8.w8' },
    ],
    ['9 1 3000 5000 8.w8', { code: 'foreign' }],
    ['9 1 3000 5000 8.w8\nno head', { code: 'foreign' }],
    [
      `2 0 3000 5000 large\n${HEAD}\n:a 1.w1 {}`,
      { code: 'record', copy: { lines: [HEAD, ':a 1.w1 {}'], isLarge: true }, now: '3000', expiresAt: 5000 },
    ],
    ['2 0 3000 5000 small', { code: 'foreign' }],
    ['3 4096', { code: 'too-large', bytes: 4096 }],
    ['4', { code: 'foreign' }],
    ['5', { code: 'unlocked' }],
    ['6', { code: 'superseded' }],
    ['7 2', { code: 'newer', format: '2' }],
    ['8', { code: 'foreign' }],
    ['', { code: 'foreign' }],
  ])('%j is %j', (reply, expected) => {
    expect(parseRedisReply(Buffer.from(reply))).toMatchObject(expected);
  });

  it('with bytes that are no text is foreign', () => {
    const reply = Buffer.concat([Buffer.from(`2 0 3000 5000 small\n${HEAD}\n:a 1.w1 `), Buffer.from([255])]);

    expect(parseRedisReply(reply)).toEqual({ code: 'foreign' });
  });
});

describe('the lines of a session', () => {
  const lifetime = { idleTimeoutMs: 60_000, absoluteTimeoutMs: 120_000, unjoinedTimeoutMs: 30_000 };

  it('are read, in any order, without those of a newer release', () => {
    expect(recordOf([HEAD, ':a\u001fsb 1.w1 x y', 'newer z', ':c 7.w7 ', '+former other 1000'])).toEqual({
      createdAt: 1000,
      authenticatedAt: undefined,
      lastAccessedAt: 2000,
      expiresAt: 62_000,
      joined: true,
      confirmed: true,
      proof: 'proof',
      logins: 2,
      generation: 4,
      principal: undefined,
      stamp: '7.w7',
      lifetime,
      parts: new Map([
        ['a b', { version: '1.w1', payload: 'x y' }],
        ['c', { version: '7.w7', payload: '' }],
      ]),
    });
  });

  it.each([
    ['nothing', []],
    ['no head', ['x']],
    ['another format', [HEAD.replace('1', '2')]],
    ['a time that is none', [HEAD.replace('2000', 'NaN')]],
    ['a part without a version', [HEAD, ':a']],
    ['a part with another version', [HEAD, ':a 7 x']],
    ['a part twice', [HEAD, ':a 1.w1 x', ':a 1.w1 x']],
    ['a principal who has not logged in', [HEAD, '+principal alice']],
    ['a login of nobody', [HEAD.replace('-', '1000')]],
    ['a login of an empty name', [HEAD.replace('-', '1000'), '+principal ']],
  ])('are damaged with %s', (_title, lines) => {
    expect(recordOf(lines)).toBeUndefined();
  });
});
