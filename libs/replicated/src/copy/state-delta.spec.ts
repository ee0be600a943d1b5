import { describe, expect, it } from '@jest/globals';
import { applyDelta, shiftDelta } from './state-delta.js';
import { type SessionState, stampOfWrite } from './session-state.js';
import { stateFromWire, stateToWire } from './wire-state.js';

const STATE: SessionState = {
  stamp: '1.a',
  earlierStamps: undefined,
  lifetime: { idleTimeoutMs: 10, absoluteTimeoutMs: 40, unjoinedTimeoutMs: 4 },
  parts: ['cart', '1.a', '[]', 'user', '1.a', '"u"'],
  createdAt: 1_000,
  lastAccessedAt: 1_000,
  joined: false,
  lock: undefined,
};

describe('a change', () => {
  it('leaves what it does not name, and the state it is made from', () => {
    const before = JSON.stringify(STATE);
    const next = applyDelta(STATE, {
      stamp: '2.b',
      parts: ['cart', '[1]', 'user', null, 'new', '{}'],
      lastAccessedAt: 1_500,
    });

    expect(next).toEqual({
      ...STATE,
      stamp: '2.b',
      earlierStamps: ['1.a'],
      parts: ['cart', '2.b', '[1]', 'new', '2.b', '{}'],
      lastAccessedAt: 1_500,
    });
    expect(applyDelta(STATE, { joined: true, lock: { token: 't', until: 9 } })).toEqual({
      ...STATE,
      joined: true,
      lock: { token: 't', until: 9 },
    });
    expect(applyDelta({ ...STATE, lock: { token: 't', until: 9 } }, { lock: null }).lock).toBeUndefined();
    expect(JSON.stringify(STATE)).toBe(before);
  });

  it('remembers 7 saves before it, and many more while they come one upon another', () => {
    const save = (state: SessionState, n: number, now: number) =>
      applyDelta(state, { stamp: `${n}.w${n}`, lastAccessedAt: now });
    let state = STATE;
    for (let n = 2; n <= 100; n++) state = save(state, n, 1_000 + n);
    expect(stampOfWrite(state, 'w2')).toBe('2.w2');
    state = save(state, 101, 60_000);

    expect(state.earlierStamps).toHaveLength(7);
    expect(stampOfWrite(state, 'w94')).toBe('94.w94');
    expect(stampOfWrite(state, 'w93')).toBeUndefined();
    expect(stampOfWrite(state, '4')).toBeUndefined();
  });

  it('gives the same at a member whose clock is ahead', () => {
    const delta = { stamp: '2.b', parts: ['cart', null], lastAccessedAt: 1_500, lock: { token: 't', until: 2_000 } };
    const there = stateFromWire(stateToWire(STATE), 250) as SessionState;

    expect(applyDelta(there, shiftDelta(delta, 250))).toEqual(
      stateFromWire(stateToWire(applyDelta(STATE, delta)), 250),
    );
  });
});
