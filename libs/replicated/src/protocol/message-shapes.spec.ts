import { describe, expect, it } from '@jest/globals';
import { isAnswerTo, isMessage } from './message-shapes.js';

const STATE = { s: '1.w', l: [1, 2, 3], p: ['a', '1.w', '1{}'], o: 'proof', c: 1, a: 2, j: true, v: false };
const PUT = { type: 'put', key: 'k', counter: 1, backup: 's2', seq: 1, state: STATE, from: null, at: 5, process: 'p' };
const MOVE = { type: 'drop', key: 'k', counter: 1, node: 's1', backup: '-', generation: 0, lineage: '' };

const put = (state: object) => ({ ...PUT, state: { ...STATE, ...state } });
const update = (delta: object) => ({ ...PUT, state: undefined, delta });

describe('a message', () => {
  it.each<object>([
    PUT,
    put({ e: '!!v', h: [1, 1, null, null, [['proof', 5]]], r: [1, 's1'], k: ['token', 5] }),
    { ...PUT, state: { x: 5, g: 0, i: 'call' } },
    update({ stamp: '2.w', parts: ['a', null, 'b', '1{}'], lastAccessedAt: 5, confirmed: true, lock: null }),
    update({ renewal: { proof: 'other', principal: 'alice' }, renewedIn: { counter: 1, node: 's1' } }),
    MOVE,
    { type: 'news', moves: [MOVE] },
    { type: 'end', ends: [['k', { x: 5, g: 0, i: 'call' }]], at: 5 },
    { type: 'ping', process: 'p', settled: [['k', 1]], over: 0, more: 'of a later release' },
    { type: 'endEras', over: 5 },
    { type: 'reserve', principal: 'alice', key: 'k', token: 't' },
    { type: 'release', principal: 'alice', token: 't' },
    { type: 'leaving', process: '1-a' },
    { type: 'list', principal: 'alice', parts: ['a'], after: '' },
    { type: 'resolve', principal: 'alice', parts: [], keys: ['k'] },
  ])('is one: %j', (message) => {
    expect(isMessage(message)).toBe(true);
  });

  it.each<[string, unknown]>([
    // To copy a text of this length took all memory, and all time until then.
    ['a key that is a list of four thousand million', { ...MOVE, key: { length: 4e9 } }],
    ['parts that are no list: bytes could not be counted any more', put({ p: {} })],
    ['a part without a payload', put({ p: ['a', '1.w'] })],
    ['a change of a part without a name', update({ parts: [null, '1{}'] })],
    ['a change without a payload', update({ parts: ['a'] })],
    ['a payload that is no text', put({ p: ['a', '1.w', 5] })],
    ['a time that is a text', put({ c: '5' })],
    ['a lifetime of nothing', put({ l: [1, null, 3] })],
    ['a history of another length', put({ h: [1, 1] })],
    ['a lock that never ends', put({ k: ['token', null] })],
    ['earlier writes that are cut off', put({ e: '!!' })],
    ['no state of any kind', put({ s: undefined })],
    ['an end without a time', { ...PUT, state: { x: null, g: 0, i: 'call' } }],
    ['a counter beyond the whole numbers', { ...PUT, counter: 1e300 }],
    ['a counter below 0', { ...PUT, counter: -1 }],
    ['a clock that is none', { ...PUT, at: undefined }],
    ['a difference of parts without texts', update({ parts: [5] })],
    ['ends that are no list', { type: 'end', ends: { length: 1 }, at: 5 }],
    ['a list of nobody', { type: 'list', principal: null, parts: [], after: '' }],
    ['parts of a list that are no texts', { type: 'list', principal: 'alice', parts: [5], after: '' }],
    ['keys that are no list', { type: 'resolve', principal: 'alice', parts: [], keys: { length: 4e9 } }],
    ['no type', { key: 'k' }],
    ['the name of a member of objects as type', { type: 'constructor' }],
    ['nothing', null],
    ['a text', 'put'],
  ])('is none with %s', (_title, message) => {
    expect(isMessage(message)).toBe(false);
  });
});

describe('an answer', () => {
  it.each([
    ['put', { type: 'ok', incarnation: 'p.1.1' }],
    ['claim', { type: 'none', process: 'p', upMs: 1.5, attempted: 0, floor: 0 }],
    ['endEras', { type: 'eras', before: 0 }],
    ['reserve', { type: 'reserved', before: ['k'] }],
    ['ping', { type: 'pong', incarnation: 'p.1.1', unfollowed: [['k', 1]], more: false, over: 0 }],
    ['leaving', { type: 'done' }],
    ['list', { type: 'listed', sessions: [['k', STATE]], unsure: ['k'], next: 'k', at: 5 }],
    ['resolve', { type: 'resolved', sessions: [], none: ['k'], at: 5 }],
  ] as const)('to %s is one: %j', (type, answer) => {
    expect(isAnswerTo(type, answer)).toBe(true);
  });

  it.each([
    ['put', { type: 'ok' }],
    ['put', { type: 'pong', incarnation: 'p.1.1', unfollowed: [], more: false, over: 0 }],
    ['claim', { type: 'none', process: 'p', upMs: null, attempted: 0, floor: 0 }],
    ['claim', { type: 'copy', copy: 5 }],
    ['ping', { type: 'pong', incarnation: 5, unfollowed: [], more: false, over: 0 }],
    ['list', { type: 'listed', sessions: [['k', { x: 5, g: 0, i: 'call' }]], unsure: [], at: 5 }],
    ['list', { type: 'listed', sessions: [['k', { ...STATE, p: ['a'] }]], unsure: [], at: 5 }],
    ['list', { type: 'listed', sessions: [], unsure: [5], at: 5 }],
    ['resolve', { type: 'resolved', sessions: [], none: ['k'] }],
    ['leaving', { type: 'toString' }],
    ['leaving', []],
  ] as const)('to %s is none: %j', (type, answer) => {
    expect(isAnswerTo(type, answer)).toBe(false);
  });
});
