import { describe, expect, it } from '@jest/globals';
import { ANONYMOUS } from 'nestjs-session-beans/store-kit';
import { countWrites, rememberWrite } from './earlier-writes.js';
import { applyDelta, shiftDelta } from './state-delta.js';
import { type SessionState, stampOfWrite } from './session-state.js';
import { stateFromWire, stateToWire } from './wire-state.js';

const STATE: SessionState = {
  stamp: '1.a',
  earlierWrites: '',
  lifetime: { idleTimeoutMs: 10, absoluteTimeoutMs: 40, unjoinedTimeoutMs: 4 },
  parts: ['cart', '1.a', '[]', 'user', '1.a', '"u"'],
  proof: 'p',
  identity: ANONYMOUS,
  renewedIn: undefined,
  era: 1,
  createdAt: 1_000,
  lastAccessedAt: 1_000,
  joined: false,
  confirmed: false,
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
      earlierWrites: rememberWrite('', 'a', 'b', 7),
      parts: ['cart', '2.b', '[1]', 'new', '2.b', '{}'],
      lastAccessedAt: 1_500,
    });
    expect(applyDelta(STATE, { confirmed: true, lock: { token: 't', until: 9 } })).toEqual({
      ...STATE,
      joined: true,
      confirmed: true,
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

    expect(countWrites(state.earlierWrites)).toBe(7);
    expect(stampOfWrite(state, 'w94')).toBe('94.w94');
    expect(stampOfWrite(state, 'w93')).toBeUndefined();
    expect(stampOfWrite(state, '4')).toBeUndefined();
  });

  it('[I3] [I14] renews the id, and keeps what the former one was', () => {
    const renewedIn = { counter: 7, node: 's1' };
    const confirmed = applyDelta(STATE, { confirmed: true });
    const login = { stamp: '2.b', renewal: { proof: 'q', principal: 'alice' }, renewedIn, lastAccessedAt: 2_000 };
    const alice = applyDelta(confirmed, login);
    expect(alice).toMatchObject({
      proof: 'q',
      identity: { generation: 1, logins: 1, principal: 'alice', authenticatedAt: 2_000 },
      renewedIn,
      createdAt: 1_000,
      joined: true,
      confirmed: false,
    });
    expect(alice.identity.former).toEqual([{ proof: 'p', replacedAt: 2_000 }]);

    const bob = applyDelta(alice, { stamp: '3.c', renewal: { proof: 'r', principal: 'bob' }, lastAccessedAt: 3_000 });
    expect(bob).toMatchObject({ createdAt: 3_000, identity: { generation: 2, logins: 2, principal: 'bob' } });
    const save = applyDelta(bob, { stamp: '4.d', lastAccessedAt: 4_000 });
    expect([save.proof, save.identity, save.createdAt]).toEqual(['r', bob.identity, 3_000]);
  });

  it('gives the same at a member whose clock is ahead', () => {
    const saved = { stamp: '2.b', parts: ['cart', null], lastAccessedAt: 1_500, lock: { token: 't', until: 2_000 } };
    const renewal = { proof: 'q', principal: 'alice' };
    for (const delta of [saved, { ...saved, renewal, renewedIn: { counter: 7, node: 's1' } }]) {
      const there = stateFromWire(stateToWire(STATE), 250) as SessionState;
      const after = stateFromWire(stateToWire(applyDelta(STATE, delta)), 250) as SessionState;

      expect(applyDelta(there, shiftDelta(delta, 250))).toEqual(after);
      // Once more: what was renewed is on its way whole.
      const again = { stamp: '3.c', renewal: { proof: 'r' }, lastAccessedAt: 1_700 };
      expect(applyDelta(after, shiftDelta(again, 250)).identity.former).toEqual([
        { proof: after.proof, replacedAt: 1_950 },
        ...after.identity.former,
      ]);
    }
  });
});
