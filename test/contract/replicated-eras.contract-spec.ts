import { afterEach, describe, expect, it } from '@jest/globals';
import { SessionStoreError } from 'nestjs-session-beans/store-kit';
import type { ReplicatedSessionStore, ReplicatedSessionStoreOptions } from 'nestjs-session-beans-replicated';
import type { Eras } from '../../libs/replicated/src/copy/eras.js';
import { isTombstone } from '../../libs/replicated/src/copy/tombstone.js';
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

type Damage = (group: ReplicatedGroup) => void;

async function open(optionsOf: (name: string) => Partial<ReplicatedSessionStoreOptions> = () => ({})) {
  const group = await ReplicatedGroup.open(3, (name) => ({ secret: 'at least sixteen bytes', ...optionsOf(name) }));
  opened.push(group);
  return group;
}

/** The number of a member, in order to break it. */
function erasOf(group: ReplicatedGroup, name: string): Eras {
  const { node } = group.store(name) as unknown as { readonly node: { readonly context: { readonly eras: Eras } } };
  return node.context.eras;
}

/** Planted bug: a member that was away does not listen to the number when it is heard again. */
const doNotListen: Damage = (group) => {
  erasOf(group, 's3').raise = () => undefined;
};

/** Planted bug: the clock of the member that has a session says whether it began before. */
const goByTime: Damage = (group) => {
  for (const name of group.names) {
    const eras = erasOf(group, name);
    eras.hasEnded = (state) => !isTombstone(state) && state.createdAt <= eras.over;
  }
};

async function endAll(store: ReplicatedSessionStore): Promise<number> {
  return store.epoch.begin();
}

async function begin(store: ReplicatedSessionStore): Promise<ReplicatedClient> {
  const client = new ReplicatedClient();
  await client.create(store);
  return client;
}

/**
 * Reads it at each member, first at s3, which may serve it: the others would take it away.
 * @returns the members at which the session still is
 */
async function membersWith(group: ReplicatedGroup, client: ReplicatedClient): Promise<string[]> {
  const found: string[] = [];
  for (const name of group.names.toReversed())
    if (Array.isArray(await client.fork().read(group.store(name)))) found.push(name);
  return found;
}

/** Each plays one critical moment. @returns the members that give out a session which is over */
const scenarios = {
  'a member was cut off when all sessions ended': async (group) => {
    const client = await begin(group.store('s3'));
    group.network.isolate('s3');
    await endAll(group.store('s1')).catch(() => undefined);
    group.network.heal();
    await eventually('s3 is heard again', () => heardSince(group, 's3'));
    return membersWith(group, client);
  },

  'a member was started anew since, and the session was served by another one that was cut off': async (group) => {
    const client = await begin(group.store('s3'));
    group.network.isolate('s3');
    await endAll(group.store('s1')).catch(() => undefined);
    group.kill('s1');
    await group.start('s1');
    // Only s2 can have told it.
    await begin(group.store('s1'));
    group.network.heal();
    await eventually('s3 is heard again', () => heardSince(group, 's3'));
    return membersWith(group, client);
  },

  'the session had moved to a member whose clock is ahead': async (group) => {
    const client = await begin(group.store('s1'));
    await client.read(group.store('s3'));
    await endAll(group.store('s1'));
    return membersWith(group, client);
  },
} satisfies Record<string, (group: ReplicatedGroup) => Promise<string[]>>;

/** Whether the member has had the answer to a ping that it sent from now on. */
async function heardSince(group: ReplicatedGroup, name: string): Promise<boolean> {
  const from = group.network.traffic.length;
  const pings = (): number =>
    group.network.traffic.slice(from).filter((each) => each.from === name && each.type === 'ping').length;
  // The second one to a member leaves when the first was answered.
  await eventually('pings go out', () => pings() > 2 * group.names.length);
  return true;
}

const clockOf = (name: string): Partial<ReplicatedSessionStoreOptions> => ({
  clock: { now: () => Date.now() + (name === 's3' ? 3_600_000 : name === 's2' ? -3_600_000 : 0) },
});

async function run(scenario: keyof typeof scenarios, damage?: Damage): Promise<string[]> {
  const group = await open(clockOf);
  damage?.(group);
  return scenarios[scenario](group);
}

describe('all sessions of the group have ended', () => {
  it('at once on all members, also for requests that are about to save', async () => {
    const group = await open(clockOf);
    const clients = await Promise.all(group.names.map((name) => begin(group.store(name))));
    const number = await endAll(group.store('s2'));

    for (const name of group.names) expect(group.store(name).epoch.read()).toBe(number);
    for (const client of clients) {
      expect(await membersWith(group, client)).toEqual([]);
      const late = client.change(null, 'late');
      expect(await group.store('s1').save(late)).toEqual({ outcome: 'gone' });
      expect(await group.store('s1').touch(client.access)).toEqual({ outcome: 'none' });
    }
  });

  it('and those that begin afterwards live, whatever the clock of their member says', async () => {
    const group = await open(clockOf);
    for (const ends of group.names) {
      await endAll(group.store(ends));
      const clients = await Promise.all(group.names.map((name) => begin(group.store(name))));
      for (const client of clients) expect(await membersWith(group, client)).toHaveLength(3);
    }
  });

  it('and no message was sent for any of them', async () => {
    const group = await open();
    await Promise.all(Array.from({ length: 50 }, () => begin(group.store('s1'))));
    const from = group.network.traffic.length;
    await endAll(group.store('s1'));

    const sent = group.network.traffic.slice(from).filter(({ type }) => type !== 'ping' && type !== 'check');
    expect(sent.map(({ type }) => type)).toEqual(['endEras', 'endEras']);
  });

  it('also where two members end them at once', async () => {
    const group = await open(clockOf);
    const clients = await Promise.all(group.names.map((name) => begin(group.store(name))));
    await Promise.all(group.names.map((name) => endAll(group.store(name))));
    for (const client of clients) expect(await membersWith(group, client)).toEqual([]);
    await eventually(
      'the members agree',
      () => new Set(group.names.map((name) => group.store(name).epoch.read())).size === 1,
    );
    expect(await begin(group.store('s2')).then((client) => membersWith(group, client))).toHaveLength(3);
  });

  it('but the caller is told when a member may not know', async () => {
    const group = await open();
    const client = await begin(group.store('s1'));
    group.network.isolate('s3');

    const refused = { name: SessionStoreError.name, status: 503, operation: 'epoch', applied: 'unknown' };
    await expect(endAll(group.store('s1'))).rejects.toMatchObject(refused);
    expect(await client.read(group.store('s2'))).toMatchObject({ outcome: 'none' });
    group.network.heal();
    await expect(endAll(group.store('s1'))).resolves.toBeGreaterThan(0);
  });

  it.each(Object.keys(scenarios) as (keyof typeof scenarios)[])('when %s', async (scenario) => {
    expect(await run(scenario)).toEqual([]);
  });

  it.each([
    ['a member that does not listen', doNotListen, 'a member was cut off when all sessions ended'],
    ['a time in place of the number', goByTime, 'the session had moved to a member whose clock is ahead'],
  ] as const)('finds the bug: %s', async (_title, damage, scenario) => {
    expect(await run(scenario, damage)).not.toEqual([]);
  });
});
