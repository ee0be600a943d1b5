import { describe, expect, it } from '@jest/globals';
import { follows, hasForked, isSatisfied, isVoid, lineageAfter, outranks } from './epoch.js';

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

describe('of two branches of a session', () => {
  const at = (counter: number, generation: number) => ({ counter, node: 's1', generation });

  it('[M5] the one counts more whose id was renewed more often, then the one with the greater counter', () => {
    expect(outranks(at(2, 1), at(9, 0))).toBe(true);
    expect(outranks(at(9, 0), at(2, 1))).toBe(false);
    expect(outranks(at(9, 1), at(2, 1))).toBe(true);
    expect(outranks(at(2, 1), at(2, 1))).toBe(false);
  });

  it('a renewal does not count if the other one went on from its epoch without it: nobody has acknowledged it', () => {
    const renewed = { generation: 1, renewedIn: { counter: 5, node: 's1' } };
    const other = (lineage: string, generation = 0) => ({ counter: 9, node: 's2', generation, lineage });

    expect(isVoid(renewed, other('4:s1 5:s1'))).toBe(true);
    expect(isVoid(renewed, other('4:s1 7:s2'))).toBe(false);
    expect(isVoid(renewed, other('4:s1 5:s1', 1))).toBe(false);
    expect(isVoid(renewed, { ...other('4:s1'), counter: 5, node: 's1' })).toBe(false);
    expect(isVoid({ generation: 1, renewedIn: undefined }, other('4:s1 5:s1'))).toBe(false);
    // The epoch may have been one of them: a renewal counts until it is shown that it was never acknowledged.
    expect(isVoid(renewed, other('7:s2 8:s2'))).toBe(false);
  });
});

describe('[M3] what a client was shown', () => {
  const witness = { counter: 5, node: 's1', backup: 's2', generation: 1 };
  const state = (counter: number, node: string, lineage: string, generation = 1) => ({
    ...witness,
    counter,
    node,
    lineage,
    generation,
  });

  it('is there in its epoch, and in those that follow it', () => {
    expect(isSatisfied(witness, state(5, 's1', ''))).toBe(true);
    expect(isSatisfied(witness, state(7, 's2', '5:s1', 2))).toBe(true);
    expect(follows(state(7, 's2', '5:s1'), witness)).toBe(true);
  });

  it('is not there in another line, or without the renewal that it had', () => {
    expect(isSatisfied(witness, state(5, 's3', ''))).toBe(false);
    expect(isSatisfied(witness, state(7, 's2', '4:s1 6:s2'))).toBe(false);
    expect(isSatisfied(witness, state(4, 's1', ''))).toBe(false);
    expect(isSatisfied(witness, state(7, 's2', '5:s1', 0))).toBe(false);
  });
});
