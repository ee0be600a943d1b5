import { describe, expect, it } from '@jest/globals';
import { ANONYMOUS, type IdentityHistory, checkAccess, newHistory, renewedHistory } from './identity-history.js';

const MINUTE = 60_000;

/** The history after renewals at these times: `proof0` was replaced at the first of them. */
function renewedAt(...times: number[]): IdentityHistory {
  return times.reduce((history, now, i) => renewedHistory(history, `proof${i}`, { proof: 'new' }, now), ANONYMOUS);
}

describe('the history of a session', () => {
  it('[S8] begins with a login where there is a principal, and is shared where there is none', () => {
    expect(newHistory('alice', 5)).toEqual({ ...ANONYMOUS, logins: 1, principal: 'alice', authenticatedAt: 5 });
    expect(newHistory(undefined, 5)).toBe(ANONYMOUS);
  });

  it('[I3] counts renewals, and remembers the proof that was replaced', () => {
    const former = [{ proof: 'old', replacedAt: 7 }];

    expect(renewedHistory(ANONYMOUS, 'old', { proof: 'new' }, 7)).toEqual({ ...ANONYMOUS, generation: 1, former });
  });

  it('[I14] counts logins of other principals, and tells the time of each login', () => {
    const logins: unknown[] = [];
    let history = ANONYMOUS;
    for (const [now, principal] of [undefined, 'alice', undefined, 'alice', 'bob', 'alice'].entries()) {
      history = renewedHistory(history, `proof${now}`, { proof: 'new', principal }, now);
      logins.push([history.logins, history.principal, history.authenticatedAt]);
    }

    expect(logins).toEqual([
      [0, undefined, undefined],
      [1, 'alice', 1],
      [1, 'alice', 1],
      [1, 'alice', 3],
      [2, 'bob', 4],
      [3, 'alice', 5],
    ]);
  });

  it('[I2] remembers four former proofs at most, the newest, and no old ones', () => {
    const proofs = (history: IdentityHistory): string[] => history.former.map(({ proof }) => proof);

    expect(proofs(renewedAt(0, 0, 0, 0, 0, 0))).toEqual(['proof5', 'proof4', 'proof3', 'proof2']);
    expect(proofs(renewedAt(0, MINUTE, 2 * MINUTE))).toEqual(['proof2', 'proof1']);
  });
});

describe('access to a session', () => {
  it('is granted for the proof, or for the logins', () => {
    const history = { ...ANONYMOUS, logins: 2 };

    expect(checkAccess('proof', history, { key: 'k', proof: 'proof' }, 0)).toBe('granted');
    expect(checkAccess('proof', history, { key: 'k', logins: 2 }, 0)).toBe('granted');
    for (const logins of [0, 1, 3, Number.NaN]) {
      expect(checkAccess('proof', history, { key: 'k', logins }, 0)).toBe('none');
    }
    for (const proof of ['', 'proo', 'proof2', '2']) {
      expect(checkAccess('proof', history, { key: 'k', proof }, 0)).toBe('none');
    }
  });

  it('[I1] is not granted to a caller who shows nothing', () => {
    expect(checkAccess('proof', ANONYMOUS, { key: 'k' } as never, 0)).toBe('none');
  });

  it('[I2] is superseded with a former proof for two minutes from when that one was replaced', () => {
    const history = renewedAt(0, MINUTE);
    const check = (proof: string, now: number): string => checkAccess('new', history, { key: 'k', proof }, now);

    expect(check('proof0', 2 * MINUTE - 1)).toBe('superseded');
    expect(check('proof0', 2 * MINUTE)).toBe('none');
    expect(check('proof1', 2 * MINUTE)).toBe('superseded');
    expect(check('proof1', 3 * MINUTE)).toBe('none');
  });
});
