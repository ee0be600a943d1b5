import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemorySessionStore } from '../../libs/session/src/store/memory/memory-session-store.js';
import { firstDifference, storeCommands } from './session-store-model.js';
import { plantedBugs } from './planted-bugs.js';
import { rulesBrokenBy } from './rules-broken-by.js';

describe('the contract suite', () => {
  it('finds no bug in the memory store', async () => {
    expect(await rulesBrokenBy(({ clock }) => new MemorySessionStore({ clock }))).toEqual([]);
  });

  it.each(Object.entries(plantedBugs))('finds the bug that %s', async (_bug, { plant, rule }) => {
    const broken = await rulesBrokenBy(({ clock }) => plant(new MemorySessionStore({ clock })));

    expect(broken).toContainEqual(expect.stringContaining(`[${rule}]`));
  });
});

describe('the model', () => {
  const sequential = Object.entries(plantedBugs).filter(([, bug]) => bug.sequential);

  it.each(sequential)('finds the bug that %s', async (_bug, { plant }) => {
    const property = fc.asyncProperty(storeCommands, async (commands) => {
      return (await firstDifference((clock) => plant(new MemorySessionStore({ clock })), commands)) === undefined;
    });

    const { failed } = await fc.check(property, { seed: 1, numRuns: 500, endOnFailure: true });

    expect(failed).toBe(true);
  });
});
