import { describe, expect, it } from '@jest/globals';
import { ANONYMOUS } from 'nestjs-session-beans/store-kit';
import { rememberWrite } from './earlier-writes.js';
import { checkEvidence, type Evidence, evidenceOf } from './evidence.js';
import type { SessionState } from './session-state.js';

const STATE: SessionState = {
  stamp: '2.second',
  earlierWrites: rememberWrite('', 'first', 'second', 7),
  lifetime: { idleTimeoutMs: 1, absoluteTimeoutMs: 1, unjoinedTimeoutMs: 1 },
  parts: [],
  proof: 'proof',
  identity: { ...ANONYMOUS, generation: 1, logins: 1, former: [{ proof: 'former', replacedAt: 1_000 }] },
  renewedIn: { counter: 1, node: 's1' },
  era: 1,
  createdAt: 0,
  lastAccessedAt: 0,
  joined: true,
  confirmed: true,
  lock: { token: 'token', until: 9 },
};

describe('what a caller shows', () => {
  it.each<[Evidence, string]>([
    [evidenceOf({ key: 'k', proof: 'proof' }), 'granted'],
    [evidenceOf({ key: 'k', logins: 1 }), 'granted'],
    [{ writeId: 'first' }, 'granted'],
    [{ proof: 'former', writeId: 'second' }, 'granted'],
    [{ lock: 'token' }, 'granted'],
    [evidenceOf({ key: 'k', proof: 'former' }), 'superseded'],
    [{ proof: 'former', writeId: 'third' }, 'superseded'],
    [evidenceOf({ key: 'k', proof: 'wrong' }), 'none'],
    [evidenceOf({ key: 'k', proof: '' }), 'none'],
    [evidenceOf({ key: 'k', logins: 0 }), 'none'],
    [{ lock: 'another' }, 'none'],
    [{ writeId: 'irst' }, 'none'],
    [{}, 'none'],
  ])('%j: %s', (evidence, check) => {
    expect(checkEvidence(STATE, evidence, 2_000)).toBe(check);
    // As another member gets it.
    expect(checkEvidence(STATE, JSON.parse(JSON.stringify(evidence)) as Evidence, 2_000)).toBe(check);
  });

  it('is not the lock of a session that has none', () => {
    expect(checkEvidence({ ...STATE, lock: undefined }, {}, 0)).toBe('none');
  });
});
