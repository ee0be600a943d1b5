import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemorySessionStore } from '../../libs/session/src/store/memory/memory-session-store.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import type { SessionStoreSetup } from '../../libs/session/src/testing/describe-session-store.options.js';
import { interleavingBreaks } from './interleaving-breaks.js';
import { plantedBugs } from './planted-bugs.js';
import { plantedIdentityBugs } from './planted-identity-bugs.js';
import { plantedSharingBugs } from './planted-sharing-bugs.js';
import { rulesBrokenBy } from './rules-broken-by.js';
import { firstDifference, storeCommands } from './store-commands.js';
import { SharedMemory } from './shared-memory.js';

type Plant = (store: SessionStore) => SessionStore;

const bugs = { ...plantedBugs, ...plantedIdentityBugs };

function rulesBrokenInMemory(plant: Plant = (store) => store): Promise<string[]> {
  return rulesBrokenBy(({ clock }) => plant(new MemorySessionStore({ clock })), {
    createSmall: ({ clock }) => plant(new MemorySessionStore({ clock, maxSessions: 20, maxBytes: 100_000 })),
  });
}

function rulesBrokenInSharedMemory(plant: Plant = (store) => store): Promise<string[]> {
  const memories = new Map<string, SharedMemory>();
  const create = ({ clock, namespace }: SessionStoreSetup): SessionStore => {
    const memory = memories.get(namespace) ?? new SharedMemory(clock);
    memories.set(namespace, memory);
    return plant(memory.server());
  };
  return rulesBrokenBy(create);
}

describe('the contract suite', () => {
  it('finds no bug in the memory store, nor in one that is shared', async () => {
    expect(await rulesBrokenInMemory()).toEqual([]);
    expect(await rulesBrokenInSharedMemory()).toEqual([]);
  });

  it.each(Object.entries(bugs))('finds the bug that %s', async (_bug, { plant, rule }) => {
    expect(await rulesBrokenInMemory(plant)).toContainEqual(expect.stringContaining(`[${rule}]`));
  });

  it.each(Object.entries(plantedSharingBugs))('finds the bug that %s', async (_bug, { plant, rule }) => {
    expect(await rulesBrokenInSharedMemory(plant)).toContainEqual(expect.stringContaining(`[${rule}]`));
  });
});

describe('the model', () => {
  const sequential = Object.entries(bugs).filter(([, bug]) => bug.sequential);

  it.each(sequential)('finds the bug that %s', async (_bug, { plant }) => {
    const property = fc.asyncProperty(storeCommands, async (commands) => {
      return (await firstDifference((clock) => plant(new MemorySessionStore({ clock })), commands)) === undefined;
    });

    const { failed } = await fc.check(property, { seed: 1, numRuns: 1_000, endOnFailure: true });

    expect(failed).toBe(true);
  });
});

describe('clients whose calls interleave', () => {
  const breaks = (plant?: Plant) =>
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const broken = await interleavingBreaks(scheduler, (clock) => new MemorySessionStore({ clock }), plant);
      if (broken.length > 0) throw new Error(broken.join());
    });

  it('find no bug in the memory store', async () => {
    await fc.assert(breaks(), { numRuns: 500 });
  });

  it.each([
    'a save checks and writes in two steps',
    'an end does not compare the id',
    'a load with a former id opens the session',
    'a save with a former id is applied',
    'a renewal compares the id and writes in two steps',
  ] as const)('find the bug that %s', async (bug) => {
    const { failed } = await fc.check(breaks(bugs[bug]?.plant), { seed: 1, numRuns: 500, endOnFailure: true });

    expect(failed).toBe(true);
  });
});
