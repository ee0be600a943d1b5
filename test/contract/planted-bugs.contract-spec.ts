import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemorySessionStore } from '../../libs/session/src/store/memory/memory-session-store.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import type { SessionStoreSetup } from '../../libs/session/src/testing/describe-session-store.options.js';
import { interleavingBreaks } from './interleaving-breaks.js';
import { plantedBugs } from './planted-bugs.js';
import { plantedIdentityBugs } from './planted-identity-bugs.js';
import { plantedPrincipalBugs } from './planted-principal-bugs.js';
import { plantedRenewalBugs } from './planted-renewal-bugs.js';
import { plantedSharingBugs } from './planted-sharing-bugs.js';
import { rulesBrokenBy } from './rules-broken-by.js';
import { firstDifference, storeCommands } from './store-commands.js';
import { SharedMemory } from './shared-memory.js';

type Plant = (store: SessionStore) => SessionStore;

const bugs = { ...plantedBugs, ...plantedIdentityBugs, ...plantedRenewalBugs, ...plantedPrincipalBugs };

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
    let difference: string | undefined;
    const property = fc.asyncProperty(storeCommands, async (commands) => {
      difference = await firstDifference((clock) => plant(new MemorySessionStore({ clock })), commands);
      return difference === undefined;
    });

    await fc.check(property, { seed: 1, numRuns: 1_000, endOnFailure: true });

    expect(difference).toContain('the store answered');
  });
});

describe('clients whose calls interleave', () => {
  const broken = async (plant?: Plant): Promise<string[]> => {
    let found: string[] = [];
    const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      found = await interleavingBreaks(scheduler, (clock) => new MemorySessionStore({ clock }), plant);
      return found.length === 0;
    });
    await fc.check(property, { seed: 1, numRuns: 500, endOnFailure: true });
    return found;
  };

  it('find no bug in the memory store', async () => {
    expect(await broken()).toEqual([]);
  });

  it.each([
    ['a save checks and writes in two steps', /^part . is \d+ after \d+ saves$/],
    ['an end does not compare the id', /^an end with a former id was accepted$/],
    ['a load with a former id opens the session', /^a load with a former id was accepted$/],
    ['a save with a former id is applied', /^(a save with a former id was|2 renewals with one id were) accepted$/],
    ['a renewal compares the id and writes in two steps', /^2 renewals with one id were accepted$/],
  ])('find the bug that %s', async (bug, text) => {
    expect(await broken(bugs[bug]?.plant)).toContainEqual(expect.stringMatching(text));
  });
});
