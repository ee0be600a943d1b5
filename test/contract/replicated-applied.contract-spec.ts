import { afterEach, describe, expect, it } from '@jest/globals';
import { SessionStoreError } from 'nestjs-session-beans/store-kit';
import type { ReplicatedSessionStoreOptions } from 'nestjs-session-beans-replicated';
import { ReplicatedClient } from '../support/replicated-client.js';
import { ReplicatedGroup } from '../support/replicated-group.js';

const opened: ReplicatedGroup[] = [];
afterEach(async () => {
  for (const group of opened.splice(0)) {
    group.network.fateOf = () => 'deliver';
    await group.close();
  }
});

async function open(size: number, options: Partial<ReplicatedSessionStoreOptions>): Promise<ReplicatedGroup> {
  const group = await ReplicatedGroup.open(size, { secret: 'at least sixteen bytes', ...options });
  opened.push(group);
  return group;
}

function failureOf(operation: string, applied: SessionStoreError['applied']): object {
  return { name: SessionStoreError.name, store: 'replicated', operation, applied };
}

describe('whether a change of which the replicated store says that it failed may have been applied:', () => {
  it('false, when the backup is gone, with all it had', async () => {
    const group = await open(2, { onAlone: 'reject' });
    const client = new ReplicatedClient();
    const store = group.store('s1');
    await client.create(store);
    group.kill('s2');

    await expect(client.add(store, 'alone')).rejects.toMatchObject(failureOf('save', false));
    await expect(store.destroy(client.access)).rejects.toMatchObject(failureOf('destroy', false));
    await expect(new ReplicatedClient().create(store)).rejects.toMatchObject(failureOf('save', false));
  });

  it.each(['lose', 'loseAnswer'] as const)('unknown, when the backup is silent about it (%s)', async (fate) => {
    const group = await open(2, { onAlone: 'reject' });
    const client = new ReplicatedClient();
    const store = group.store('s1');
    await client.create(store);
    group.network.fateOf = ({ type }) => (type === 'put' ? fate : 'deliver');

    await expect(client.add(store, 'second')).rejects.toMatchObject(failureOf('save', 'unknown'));

    group.network.fateOf = () => 'deliver';
    const expected = fate === 'loseAnswer' ? ['first', 'second'] : ['first'];
    expect(await client.read(store)).toEqual(expected);
  });

  it('unknown for a new session, when the member that would be its backup is silent about it', async () => {
    const group = await open(2, { onAlone: 'reject' });
    group.network.fateOf = ({ type }) => (type === 'put' ? 'loseAnswer' : 'deliver');

    const creating = new ReplicatedClient().create(group.store('s1'));

    await expect(creating).rejects.toMatchObject(failureOf('save', 'unknown'));
  });

  it('unknown for a destroy, when the backup is silent about it', async () => {
    const group = await open(2, { onAlone: 'reject' });
    const client = new ReplicatedClient();
    const store = group.store('s1');
    await client.create(store);
    group.network.fateOf = ({ type }) => (type === 'put' ? 'loseAnswer' : 'deliver');

    await expect(store.destroy(client.access)).rejects.toMatchObject(failureOf('destroy', 'unknown'));

    group.network.fateOf = () => 'deliver';
    expect(await client.read(store)).toEqual({ outcome: 'none' });
  });

  it('unknown, when no member has confirmed the first copy and quorum is on, also when it is sent again', async () => {
    const group = await open(3, { quorum: true });
    const creation = new ReplicatedClient().creation();
    const store = group.store('s1');
    group.network.fateOf = ({ type }) => (type === 'put' ? 'loseAnswer' : 'deliver');

    await expect(store.save(creation)).rejects.toMatchObject(failureOf('save', 'unknown'));
    await expect(store.save(creation)).rejects.toMatchObject(failureOf('save', 'unknown'));
  });

  it('false, when those that may know the session do not answer', async () => {
    const group = await open(3, {});
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const [primary = '', backup = ''] = client.locator?.split('.') ?? [];
    const third = group.names.find((name) => name !== primary && name !== backup) as string;
    group.network.isolate(third);

    const change = client.change(null, 'x');
    await expect(group.store(third).save(change)).rejects.toMatchObject(failureOf('save', false));
    await expect(group.store(third).load(client.access, { locator: client.locator })).rejects.toMatchObject(
      failureOf('load', false),
    );
    group.network.heal();
  });

  it('false, when the store is full of sessions, or closed', async () => {
    const group = await open(1, { maxSessions: 1 });
    const store = group.store('s1');
    const client = new ReplicatedClient();
    await store.save({ ...client.creation(), principal: 'alice' });

    await expect(new ReplicatedClient().create(store)).rejects.toMatchObject(failureOf('save', false));
    await store.close();
    await expect(store.destroy(client.access)).rejects.toMatchObject(failureOf('destroy', false));
  });
});
