import { describe, expect, it } from '@jest/globals';
import { hasForked, lineageAfter } from './epoch.js';

const epoch = (counter: number, node: string, isAlone = false) => ({ counter, node, isAlone });

describe('the lineage of a session', () => {
  const lineage = ['s1', 's2', 's1'].reduce((before, node, i) => lineageAfter(before, epoch(i + 1, node)), '');

  it('has the epochs it went through, the last 32', () => {
    expect(lineage).toBe('1:s1 2:s2 3:s1');
    let long = '';
    for (let counter = 1; counter <= 40; counter++) long = lineageAfter(long, epoch(counter, 's1'));
    expect(long.split(' ')).toEqual(Array.from({ length: 32 }, (_, i) => `${i + 9}:s1`));
  });

  it('shows that it has not gone through an epoch', () => {
    expect(hasForked(lineage, epoch(2, 's2'))).toBe(false);
    expect(hasForked(lineage, epoch(2, 's3'))).toBe(true);
    expect(hasForked('2:s2 4:s1', epoch(3, 's1'))).toBe(true);
  });

  it('does not show it of one from before its memory, unless nobody else can have gone on from that', () => {
    expect(hasForked('12:s1 13:s1', epoch(3, 's4'))).toBe(false);
    expect(hasForked('12:s1 13:s1', epoch(3, 's4', true))).toBe(true);
  });
});
