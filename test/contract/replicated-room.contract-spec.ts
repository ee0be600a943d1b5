import { afterEach, describe, expect, it } from '@jest/globals';
import type { ReplicatedSessionStoreOptions } from 'nestjs-session-beans-replicated';
import { ReplicatedClient } from '../support/replicated-client.js';
import { ReplicatedGroup } from '../support/replicated-group.js';

const opened: ReplicatedGroup[] = [];
afterEach(async () => {
  for (const group of opened.splice(0)) await group.close();
});

/** A group whose member s1 has these bounds; the others have room. */
async function open(size: number, bounds: Partial<ReplicatedSessionStoreOptions>): Promise<ReplicatedGroup> {
  const secret = 'at least sixteen bytes';
  const group = await ReplicatedGroup.open(size, (name) => ({ secret, ...(name === 's1' && bounds) }));
  opened.push(group);
  return group;
}

function succeeded(results: readonly PromiseSettledResult<unknown>[]): number {
  return results.filter(({ status }) => status === 'fulfilled').length;
}

describe('many changes at once', () => {
  it('begin no more sessions than fit', async () => {
    const group = await open(3, { maxSessions: 5 });
    const store = group.store('s1');
    const begun = Array.from({ length: 20 }, () =>
      store.save({ ...new ReplicatedClient().creation(), principal: 'alice' }),
    );

    expect(succeeded(await Promise.allSettled(begun))).toBe(5);
    expect(store.size).toBe(5);
  });

  it('let sessions grow no more than fits', async () => {
    const maxBytes = 100_000;
    const group = await open(2, { maxBytes });
    const store = group.store('s1');
    const clients = Array.from({ length: 10 }, () => new ReplicatedClient());
    for (const client of clients) await client.create(store);
    const grown = clients.map((client) => client.add(store, 'x'.repeat(10_000)));

    expect(succeeded(await Promise.allSettled(grown))).toBeLessThan(5);
    expect(store.bytes).toBeLessThanOrEqual(maxBytes);
  });
});
