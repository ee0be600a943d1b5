import { describe, expect, it } from '@jest/globals';
import type { PartChange } from '../session-change.js';
import { changeParts } from './change-parts.js';

const PARTS = Object.freeze(['a', '1', 'of a', 'b', '2', 'of b', 'c', '3', 'of c']);

function changed(parts: Record<string, PartChange>, keep?: readonly string[]) {
  return changeParts(PARTS, new Map(Object.entries(parts)), '9', keep);
}

describe('a change of packed parts', () => {
  it('writes, adds and removes parts, and leaves the others alone', () => {
    const parts = {
      a: { base: '1', payload: 'new' },
      b: { base: '2', payload: null },
      d: { base: null, payload: 'of d' },
      e: { base: null, payload: null },
    };

    expect(changed(parts)).toEqual(['a', '9', 'new', 'c', '3', 'of c', 'd', '9', 'of d']);
    expect(changed({})).toEqual(PARTS);
  });

  it('is refused whole when one part is at another version', () => {
    const fine = { a: { base: '1', payload: 'new' } };
    const conflicts: Record<string, PartChange>[] = [
      { b: { base: '1', payload: 'new' } },
      { b: { base: null, payload: 'new' } },
      { b: { base: '3', payload: null } },
      { d: { base: '1', payload: 'new' } },
    ];
    for (const conflict of conflicts) expect(changed({ ...fine, ...conflict })).toBeUndefined();
  });

  it('takes no payload and no version for a name', () => {
    expect(changed({ 'of a': { base: null, payload: 'x' } })).toHaveLength(12);
    expect(changed({ 2: { base: null, payload: 'x' } })).toHaveLength(12);
    expect(changed({}, ['of a', '2'])).toEqual([]);
  });

  it('[I3] keeps the parts with these names, and takes the others as removed', () => {
    expect(changed({}, ['b', 'z'])).toEqual(['b', '2', 'of b']);
    expect(changed({}, [])).toEqual([]);
    expect(changed({ a: { base: null, payload: 'new' } }, ['b'])).toEqual(['b', '2', 'of b', 'a', '9', 'new']);
    expect(changed({ a: { base: null, payload: null } }, ['b'])).toEqual(['b', '2', 'of b']);
    expect(changed({ b: { base: '2', payload: null } }, ['b'])).toEqual([]);
    expect(changed({ a: { base: '1', payload: 'new' } }, ['b'])).toBeUndefined();
  });
});
