import { afterEach, describe, expect, it } from '@jest/globals';
import { type ListedSession, type PrincipalPage, SessionStoreError } from 'nestjs-session-beans/store-kit';
import type { ReplicatedSessionStore } from 'nestjs-session-beans-replicated';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { ReplicatedClient } from '../support/replicated-client.js';
import { ReplicatedGroup } from '../support/replicated-group.js';

/** Timeouts that even a busy machine keeps. */
const PATIENT = { callTimeoutMs: 2_000, heartbeatMs: 500, leaseMs: 5_000, lostAfterMs: 10_000, goneAfterMs: 60_000 };

const opened: ReplicatedGroup[] = [];
afterEach(async () => {
  for (const group of opened.splice(0)) {
    group.network.heal();
    group.network.fateOf = () => 'deliver';
    await group.close();
  }
});

async function open(size: number, options: object = PATIENT): Promise<ReplicatedGroup> {
  const group = await ReplicatedGroup.open(size, { secret: 'at least sixteen bytes', ...options });
  opened.push(group);
  return group;
}

async function logIn(store: ReplicatedSessionStore, word = 'first'): Promise<ReplicatedClient> {
  const client = new ReplicatedClient();
  await store.save({ ...client.creation(word), principal: 'alice' });
  return client;
}

async function logInMany(store: ReplicatedSessionStore, count: number, word?: string): Promise<string[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => logIn(store, word)));
  return clients.map(({ key }) => key).toSorted();
}

async function list(store: ReplicatedSessionStore, page: Partial<PrincipalPage> = {}): Promise<ListedSession[]> {
  const { sessions } = await store.principals.list('alice', { limit: 1_000, parts: [], ...page });
  return [...sessions];
}

async function keysAt(store: ReplicatedSessionStore): Promise<string[]> {
  return (await list(store)).map(({ key }) => key).toSorted();
}

describe('the sessions of a principal', () => {
  it('are not listed while a member does not answer, which may have some', async () => {
    const group = await open(3, {});
    const keys = await logInMany(group.store('s1'), 4);
    group.network.fateOf = ({ to, type }) => (to === 's2' && type === 'list' ? 'fail' : 'deliver');
    const refused = { name: SessionStoreError.name, status: 503, operation: 'list' };
    await expect(list(group.store('s3'))).rejects.toMatchObject(refused);
    group.network.fateOf = () => 'deliver';

    expect(await keysAt(group.store('s3'))).toEqual(keys);
  });

  it('are all listed as soon as a member has crashed', async () => {
    const group = await open(3);
    const keys = await logInMany(group.store('s1'), 10);
    group.kill('s1');

    expect(await keysAt(group.store('s2'))).toEqual(keys);
    expect(await keysAt(group.store('s3'))).toEqual(keys);
  });

  it('stay where they are', async () => {
    const group = await open(3);
    await logInMany(group.store('s1'), 10);
    for (const name of group.names) expect(await list(group.store(name))).toHaveLength(10);

    expect(group.store('s1').primaries).toBe(10);
    expect(group.network.traffic.filter(({ type }) => type === 'claim')).toEqual([]);
  });

  it('are all listed when they move meanwhile, from members that have not answered to some that have', async () => {
    const group = await open(4);
    const clients = await Promise.all(Array.from({ length: 20 }, () => logIn(group.store('s1'))));
    // Those that neither the member that asks nor the one that has answered has a copy of.
    const kept = keysPutTo(group, ['s3', 's4']);
    const moving = clients.filter(({ key }) => !kept.has(key));
    for (const client of clients) if (kept.has(client.key)) await group.store('s1').destroy(client.access);
    const later = new Latch();
    group.network.fateOf = ({ to, type }) =>
      type === 'list' && (to === 's1' || to === 's2') ? later.opened : 'deliver';
    const listing = keysAt(group.store('s3'));
    await eventually('s4 is asked', () => group.network.traffic.some(({ to, type }) => type === 'list' && to === 's4'));
    for (const client of moving) await client.read(group.store('s4'));
    await eventually('all have moved', () => group.store('s4').primaries === moving.length);
    later.open();

    expect(await listing).toEqual(moving.map(({ key }) => key).toSorted());
  });

  it('are not listed for a principal whose login is under way, nor for the one before when it is done', async () => {
    const group = await open(3);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const reached = new Latch();
    const later = new Latch();
    group.network.fateOf = ({ from, type }) => {
      if (from !== 's1' || type !== 'put') return 'deliver';
      reached.open();
      return later.opened;
    };
    const login = client.renew(group.store('s1'), { principal: 'alice', keep: [] });
    await reached.opened;
    expect(await keysAt(group.store('s3'))).toEqual([]);
    later.open();
    await login;
    expect(await keysAt(group.store('s3'))).toEqual([client.key]);
    group.network.fateOf = () => 'deliver';
    await client.renew(group.store('s2'), { principal: 'bob', keep: [] });
    for (const name of group.names) expect(await keysAt(group.store(name))).toEqual([]);
  });

  it('are told by those that serve them: older copies elsewhere count for nothing, and move nothing', async () => {
    const group = await open(3);
    const { network } = group;
    const client = await logIn(group.store('s1'));
    network.fateOf = ({ type }) => (type === 'drop' ? 'fail' : 'deliver');
    // The member that has no copy yet.
    const third = group.store(group.names.find((name) => group.store(name).size === 0) as string);
    await client.read(third);
    await client.renew(third, { principal: 'bob', keep: [] });
    // The third copy is of the time when alice was logged in.
    expect(copies(group)).toBe(3);
    const before = network.traffic.length;
    for (const name of group.names) expect(await keysAt(group.store(name))).toEqual([]);

    const sent = new Set(network.traffic.slice(before).map(({ type }) => type));
    expect([sent.has('resolve'), sent.has('claim')]).toEqual([true, false]);
  });

  it('come in several messages where one would be too large', async () => {
    const group = await open(2);
    const keys = await logInMany(group.store('s1'), 30, 'x'.repeat(50_000));
    const asked = (): number => group.network.traffic.filter(({ type }) => type === 'list').length;
    const listed = await list(group.store('s2'), { parts: ['words'] });

    expect(listed.map(({ key }) => key).toSorted()).toEqual(keys);
    expect(listed.every(({ record }) => record.parts.get('words')?.payload.length === 50_000)).toBe(true);
    expect(asked()).toBeGreaterThan(2);
    const before = asked();
    await list(group.store('s2'));
    expect(asked()).toBe(before + 1);
  });

  it('are in the same order for all members while their clocks differ by less than half a second', async () => {
    const group = await ReplicatedGroup.open(3, (name) => ({
      ...PATIENT,
      clock: { now: () => Date.now() - (name === 's2' ? 200 : 0) },
    }));
    opened.push(group);
    for (let i = 0; i < 12; i++) await logIn(group.store(`s${(i % 3) + 1}`));
    const orders = await Promise.all(
      group.names.map(async (name) => (await list(group.store(name))).map(({ key }) => key)),
    );

    expect(orders[0]).toHaveLength(12);
    expect(orders[1]).toEqual(orders[0]);
    expect(orders[2]).toEqual(orders[0]);
  });

  it.each([
    ['of others', { h: [0, 1, 'bob', 5, []] }],
    ['of nobody', { h: undefined }],
  ])('do not include one %s that a member tells by mistake', async (_title, change) => {
    const group = await open(2);
    const [key] = await logInMany(group.store('s1'), 1);
    group.network.overrideAnswer('s1', ({ type }, answer) => {
      if (type !== 'list') return answer;
      const told = JSON.parse(answer) as { sessions: [string, object][] };
      const [, state] = told.sessions[0] as [string, object];
      return JSON.stringify({ ...told, sessions: [...told.sessions, ['other', { ...state, ...change }]] });
    });

    expect(await keysAt(group.store('s2'))).toEqual([key]);
  });

  it('are not listed when the list of a member does not end', async () => {
    const group = await open(2);
    await logIn(group.store('s1'));
    group.network.overrideAnswer('s1', ({ type }, answer) =>
      type === 'list' ? JSON.stringify({ ...JSON.parse(answer), next: 'a' }) : answer,
    );

    await expect(list(group.store('s2'))).rejects.toMatchObject({ status: 503, operation: 'list' });
  });
});

function copies(group: ReplicatedGroup): number {
  return group.names.reduce((sum, name) => sum + group.store(name).size, 0);
}

/** The keys of the sessions of which one of these members was given a copy. */
function keysPutTo(group: ReplicatedGroup, names: readonly string[]): Set<string> {
  const texts = group.network.traffic.filter(({ to }) => names.includes(to)).map(({ text }) => text);
  const messages = texts.map((text) => JSON.parse(text) as { key?: string; messages?: { key: string }[] });
  return new Set(messages.flatMap(({ key, messages: grouped }) => grouped?.map((each) => each.key) ?? key ?? []));
}
