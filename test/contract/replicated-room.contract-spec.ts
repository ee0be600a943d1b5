import { afterEach, describe, expect, it } from '@jest/globals';
import { SessionStoreError } from 'nestjs-session-beans/store-kit';
import type { ReplicatedSessionStoreOptions } from 'nestjs-session-beans-replicated';
import { eventually } from '../support/eventually.js';
import { ReplicatedClient } from '../support/replicated-client.js';
import { ReplicatedGroup } from '../support/replicated-group.js';

const opened: ReplicatedGroup[] = [];
afterEach(async () => {
  for (const group of opened.splice(0)) {
    group.network.heal();
    await group.close();
  }
});

type Options = Partial<ReplicatedSessionStoreOptions>;

/** @param boundsOf of each member by its name, or of s1, if the others have room */
async function open(size: number, boundsOf: Options | ((name: string) => Options)): Promise<ReplicatedGroup> {
  const secret = 'at least sixteen bytes';
  const group = await ReplicatedGroup.open(size, (name) => ({
    secret,
    ...(typeof boundsOf === 'function' ? boundsOf(name) : name === 's1' && boundsOf),
  }));
  opened.push(group);
  return group;
}

/** No lease ends, however slow the machine is. */
const PATIENT = { callTimeoutMs: 10_000, leaseMs: 20_000, lostAfterMs: 40_000, goneAfterMs: 80_000 } as const;

const full = { name: SessionStoreError.name, operation: 'save', applied: false };

/** Begins the session of a user, who comes back with it. */
async function logIn(group: ReplicatedGroup, name: string): Promise<ReplicatedClient> {
  const client = new ReplicatedClient();
  await group.store(name).save({ ...client.creation(), principal: 'alice' });
  await comeBack(group, name, client);
  return client;
}

async function comeBack(group: ReplicatedGroup, name: string, client: ReplicatedClient): Promise<void> {
  const loaded = await group.store(name).load(client.access, { touchAfterMs: 0 });
  if (loaded.outcome !== 'found') throw new Error('no session');
  client.locator = loaded.locator;
}

function succeeded(results: readonly PromiseSettledResult<unknown>[]): number {
  return results.filter(({ status }) => status === 'fulfilled').length;
}

describe('a full member', () => {
  it('gives up sessions that nobody came back to, the oldest first, and none of them is found anywhere', async () => {
    const group = await open(3, () => ({ ...PATIENT, maxSessions: 6 }));
    const alice = await logIn(group, 's1');
    const strangers: ReplicatedClient[] = [];
    for (let i = 0; i < 40; i++) {
      const client = new ReplicatedClient();
      await client.create(group.store('s1'));
      strangers.push(client);
    }

    expect(group.store('s1').figures()).toMatchObject({ sessions: 6, evicted: 35 });
    for (const name of group.names) {
      expect(await alice.read(group.store(name))).toEqual(['first']);
      for (const client of strangers.slice(0, 35)) {
        expect(await client.read(group.store(name))).toMatchObject({ outcome: 'none' });
      }
    }
    expect(await strangers.at(-1)?.read(group.store('s2'))).toEqual(['first']);
  });

  it('lets users log in although strangers use all sessions', async () => {
    const group = await open(2, () => ({ ...PATIENT, maxSessions: 5 }));
    const strangers = Array.from({ length: 5 }, () => new ReplicatedClient());
    for (const client of strangers) {
      await client.create(group.store('s1'));
      await comeBack(group, 's1', client);
    }
    await expect(new ReplicatedClient().create(group.store('s1'))).rejects.toMatchObject(full);
    const users: ReplicatedClient[] = [];
    for (let i = 0; i < 5; i++) users.push(await logIn(group, 's1'));

    await expect(logIn(group, 's1')).rejects.toMatchObject(full);
    for (const client of users) expect(await client.read(group.store('s2'))).toEqual(['first']);
    for (const client of strangers) expect(await client.read(group.store('s2'))).toEqual({ outcome: 'none' });
  });

  it('gives up nothing that another member serves', async () => {
    const group = await open(2, (name) => ({ ...PATIENT, maxSessions: name === 's2' ? 5 : 100 }));
    const clients = Array.from({ length: 5 }, () => new ReplicatedClient());
    for (const client of clients) await client.create(group.store('s1'));

    await expect(new ReplicatedClient().create(group.store('s2'))).rejects.toMatchObject(full);
    for (const client of clients) expect(await client.read(group.store('s1'))).toEqual(['first']);
  });

  it('gives up nothing while the backup does not follow it', async () => {
    const group = await open(2, { maxSessions: 1, lostAfterMs: 60_000, goneAfterMs: 60_000 });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    group.network.isolate('s2');
    await eventually('no lease is left', async () => {
      const failure = await new ReplicatedClient().create(group.store('s1')).catch((error: Error) => error);
      return failure instanceof SessionStoreError && failure.detail.includes('this member is full');
    });
    group.network.heal();

    expect(await eventually('it is read', () => client.read(group.store('s2')))).toEqual(['first']);
  });

  it('gives up no session of which another part of the network may have a branch', async () => {
    const group = await open(4, () => ({ maxSessions: 3 }));
    const stranger = new ReplicatedClient();
    await stranger.create(group.store('s1'));
    const [, backup = ''] = stranger.locator?.split('.') ?? [];
    const [near = '', far = ''] = group.names.filter((name) => name !== 's1' && name !== backup);
    for (const one of ['s1', near]) for (const other of [backup, far]) group.network.separate(one, other);
    const user = stranger.fork();
    await eventually('one part goes on', () => stranger.add(group.store('s1'), 'near'));
    await eventually('the other part goes on', () => user.add(group.store(backup), 'far'));
    expect(await user.renew(group.store(backup), { principal: 'alice' })).toMatchObject({ outcome: 'saved' });

    const others = Array.from({ length: 6 }, () => new ReplicatedClient());
    for (const other of others) await other.create(group.store('s1')).catch(() => undefined);
    group.network.heal();
    await eventually('all meet again', () => group.names.every((name) => group.store(name).membersUp === 4));
    expect(await eventually('it is read', () => user.read(group.store('s1')))).toEqual(['first', 'far']);
  });
});

describe('a member that does not know whether its backup has the end of a session', () => {
  it('may go on with it while it is cut off, and a user who logs in meanwhile keeps it', async () => {
    const group = await open(3, { maxSessions: 1 });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const former = client.fork();
    const [, backup = ''] = client.locator?.split('.') ?? [];
    group.network.fateOf = ({ from, text }) =>
      from === 's1' && text.includes('"eviction"') ? 'loseAnswer' : 'deliver';
    await expect(new ReplicatedClient().create(group.store('s1'))).rejects.toMatchObject(full);
    group.network.isolate('s1');
    const login = { principal: 'alice' };
    expect(await eventually('s1 goes on', () => client.renew(group.store('s1'), login))).toMatchObject({
      outcome: 'saved',
    });

    for (const name of group.names.slice(1)) {
      await expect(former.withoutLocator().read(group.store(name))).rejects.toMatchObject({ status: 503 });
    }
    group.network.heal();
    expect(await eventually('it is read', () => client.read(group.store(backup)))).toEqual(['first']);
  });
});

describe('many changes at once', () => {
  it('begin no more sessions than fit', async () => {
    const group = await open(3, { maxSessions: 8 });
    const store = group.store('s1');
    for (let i = 0; i < 5; i++) await logIn(group, 's1');
    const begun = Array.from({ length: 20 }, () => new ReplicatedClient().create(store));
    await Promise.allSettled(begun);

    expect(store.size).toBe(8);
  });

  it('let sessions grow no more than fits', async () => {
    const maxBytes = 100_000;
    const group = await open(2, { maxBytes });
    const store = group.store('s1');
    const clients: ReplicatedClient[] = [];
    for (let i = 0; i < 10; i++) clients.push(await logIn(group, 's1'));
    const grown = clients.map((client) => client.add(store, 'x'.repeat(10_000)));

    expect(succeeded(await Promise.allSettled(grown))).toBeLessThan(5);
    expect(store.bytes).toBeLessThanOrEqual(maxBytes);
  });
});
