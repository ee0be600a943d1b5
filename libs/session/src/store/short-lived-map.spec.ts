import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ShortLivedMap } from './short-lived-map.js';

describe('ShortLivedMap', () => {
  it('holds what a Map holds, in the same order', () => {
    const step = fc.record({ key: fc.nat({ max: 9 }), does: fc.constantFrom('set', 'delete') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 2_000, size: 'max' }), (steps) => {
        const map = new Map<number, object>();
        const shortLived = new ShortLivedMap<number, object>();
        for (const { key, does } of steps) {
          const value = { key };
          if (does === 'delete') {
            map.delete(key);
            shortLived.delete(key);
          } else {
            map.set(key, value);
            shortLived.set(key, value);
          }
          expect([shortLived.get(key), shortLived.has(key)]).toEqual([map.get(key), map.has(key)]);
        }
        expect(shortLived.size).toBe(map.size);
        expect([...shortLived.values()]).toEqual([...map.values()]);
      }),
      { numRuns: 20 },
    );
  });
});
