import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemorySessionStore } from '../../libs/session/src/store/memory/memory-session-store.js';
import { firstDifference, storeCommands } from './store-commands.js';

describe('the memory store', () => {
  it('answers all calls as the model does', async () => {
    await fc.assert(
      fc.asyncProperty(storeCommands, async (commands) => {
        expect(await firstDifference((clock) => new MemorySessionStore({ clock }), commands)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });
});
