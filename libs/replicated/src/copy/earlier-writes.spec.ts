import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { countWrites, indexOfWrite, isEarlierWrites, rememberWrite } from './earlier-writes.js';

/** Remembers all but the last of these. */
function remember(ids: readonly string[], most = 128): string {
  return ids.slice(1).reduce((earlier, id, i) => rememberWrite(earlier, ids[i] as string, id, most), '');
}

describe('the write ids of earlier saves', () => {
  it('are found by their whole texts, newest first, whatever they have in common', () => {
    const id = fc.oneof(fc.stringMatching(/^[ab]{0,5}$/), fc.stringMatching(/^x{85,100}[ab]$/), fc.string());
    const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(ids, id, fc.integer({ min: 1, max: 40 }), (all, other, most) => {
        const earlier = remember(all, most);
        const kept = all.slice(0, -1).toReversed().slice(0, most);
        const last = all.at(-1) as string;
        for (const each of [...all, other]) expect(indexOfWrite(earlier, last, each)).toBe(kept.indexOf(each));
        expect([countWrites(earlier), isEarlierWrites(earlier)]).toEqual([kept.length, true]);
      }),
    );
  });

  it('take four characters each where one server has made them', () => {
    const ids = Array.from({ length: 200 }, (_, i) => `AbCdEfGhIjKl${(40_000 + 7 * i).toString(36)}`);
    expect(remember(ids).length).toBeLessThanOrEqual(128 * 5);
    expect(remember(ids, 7).length).toBeLessThanOrEqual(7 * 5);
  });

  it.each([
    ['no text', 5],
    ['half of an entry', '!'],
    ['an entry that is longer than the text', '!#'],
    ['a length below zero', '!\n'],
  ])('are not taken from elsewhere when they are %s', (_title, value) => {
    expect(isEarlierWrites(value)).toBe(false);
  });
});
