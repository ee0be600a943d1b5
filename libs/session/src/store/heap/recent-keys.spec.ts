import { describe, expect, it } from '@jest/globals';
import { RecentKeys } from './recent-keys.js';

const MINUTE = 60_000;

describe('RecentKeys', () => {
  it('remembers a key for a minute and forgets it within another', () => {
    for (const addedAt of [0, 1, 30_000, 59_999, 60_000]) {
      const keys = new RecentKeys(MINUTE, 10, 0);
      keys.add('a', addedAt);

      expect(keys.has('a', addedAt + MINUTE - 1)).toBe(true);
      expect(keys.has('a', addedAt + 2 * MINUTE)).toBe(false);
    }
  });

  it('forgets a key in time also when the calls before came late', () => {
    const keys = new RecentKeys(MINUTE, 10, 0);
    keys.add('a', 0);

    expect(keys.has('a', 1.9 * MINUTE)).toBe(true);
    expect(keys.has('a', 2 * MINUTE)).toBe(false);
  });

  it('forgets after a long silence', () => {
    const keys = new RecentKeys(MINUTE, 10, 0);
    keys.add('a', 0);

    expect(keys.has('a', 100 * MINUTE)).toBe(false);
  });

  it('drops the oldest when too many come at once', () => {
    const keys = new RecentKeys(MINUTE, 10, 0);
    for (let i = 0; i < 30; i++) keys.add(`key${i}`, 0);

    expect([0, 19, 20, 29].map((i) => keys.has(`key${i}`, 0))).toEqual([false, false, true, true]);
  });
});
