import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { PendingCommit } from './pending-commit.js';

describe('PendingCommit', () => {
  it('settles once: what was stored cannot be refused any more, nor refused for another reason', async () => {
    const stored = new PendingCommit([]);
    stored.markStored();
    stored.refuse(new Error('too late'));
    await expect(stored.done).resolves.toBeUndefined();
    expect(stored.failure).toBeUndefined();

    const refused = new PendingCommit([]);
    const first = new Error('first');
    refused.refuse(first);
    refused.refuse(new Error('second'));
    await expect(refused.done).rejects.toBe(first);
    expect(refused.failure).toBe(first);
  });

  it.each(['stored', 'refused'] as const)('lets go of what it depended on once it is %s', (how) => {
    const commit = new PendingCommit([], [new PendingCommit([])]);
    expect(commit.dependsOn).toHaveLength(1);
    if (how === 'stored') commit.markStored();
    else commit.refuse(new Error('no'));
    expect(commit.dependsOn).toEqual([]);
  });

  it('ends no process when nobody waits for a refusal', async () => {
    // Jest fails a test in which a rejection is unhandled.
    const refused = new PendingCommit([]);
    void refused.done;
    refused.refuse(new Error('nobody waits'));
    await expect(nextTurn()).resolves.toBeUndefined();
  });
});
