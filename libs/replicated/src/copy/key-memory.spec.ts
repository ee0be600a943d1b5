import { describe, expect, it } from '@jest/globals';
import { KeyMemory } from './key-memory.js';

describe('what a member remembers of sessions it does not have', () => {
  it('only grows, for a minute at least and two at most', () => {
    let now = 0;
    const memory = new KeyMemory(() => now);
    memory.raiseFloor('k', 5);
    memory.raiseFloor('k', 3);
    memory.noteMove('k', { counter: 5, node: 's1', backup: 's2', generation: 0 });
    memory.noteMove('k', { counter: 4, node: 's3', backup: 's2', generation: 0 });
    memory.noteAttempt('k', 7);
    memory.noteLost('k', { counter: 2, node: 's1' });
    const seen = () => [
      memory.floorOf('k'),
      memory.movedTo('k')?.node,
      memory.attemptedAt('k'),
      memory.isLost('k', { counter: 2, node: 's1' }),
      memory.isLost('k', { counter: 2, node: 's2' }),
    ];

    expect(seen()).toEqual([5, 's1', 7, true, false]);
    now = 59_000;
    expect(seen()).toEqual([5, 's1', 7, true, false]);
    now = 61_000;
    expect(seen()).toEqual([5, 's1', 7, true, false]);
    now = 200_000;
    expect(seen()).toEqual([0, undefined, 0, false, false]);
  });

  it('[M5] puts the epoch first in which the id was renewed more often, and remembers how often that was', () => {
    const memory = new KeyMemory(() => 0);
    memory.noteMove('k', { counter: 5, node: 's1', backup: 's2', generation: 1 });
    memory.noteMove('k', { counter: 9, node: 's3', backup: 's2', generation: 0 });

    expect([memory.movedTo('k')?.counter, memory.generationOf('k'), memory.generationOf('other')]).toEqual([5, 1, 0]);
  });
});
