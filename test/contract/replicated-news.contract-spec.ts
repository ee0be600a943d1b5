import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { ReplicatedClient } from '../support/replicated-client.js';
import { ReplicatedGroup } from '../support/replicated-group.js';

const opened: ReplicatedGroup[] = [];
afterEach(async () => {
  for (const group of opened.splice(0)) {
    group.network.fateOf = () => 'deliver';
    await group.close();
  }
});

/** The members off the list are on their own lists all the time. */
async function open(off: ReadonlySet<string> = new Set()): Promise<ReplicatedGroup> {
  const member = (name: string) => ({ name, host: '127.0.0.1', port: 7000 + Number(name.slice(1)) });
  const group = await ReplicatedGroup.open(3, (self) => ({
    secret: 'at least sixteen bytes',
    members: async () => ['s1', 's2', 's3'].filter((name) => name === self || !off.has(name)).map(member),
    refreshMembersMs: 20,
  }));
  opened.push(group);
  return group;
}

/** A session, its primary, and a member that has kept a copy of an earlier epoch. */
async function sessionWithStaleCopy(group: ReplicatedGroup) {
  const client = new ReplicatedClient();
  await client.create(group.store('s1'));
  const [, , moved] = membersOf(group, client);
  // Copies that are not needed are not found by asking their primaries, either.
  group.network.fateOf = ({ type }) => (type === 'drop' || type === 'check' ? 'lose' : 'deliver');
  await client.add(group.store(moved), 'moved');
  const [primary, backup, stale] = membersOf(group, client);
  expect([primary, group.store(stale).size]).toEqual([moved, 1]);
  return { client, primary, backup, stale };
}

/** Primary, backup and the other member, by the client's locator. */
function membersOf(group: ReplicatedGroup, { locator = '' }: ReplicatedClient): [string, string, string] {
  const [primary = '', backup = ''] = locator.split('.');
  return [primary, backup, group.names.find((name) => name !== primary && name !== backup) ?? ''];
}

describe('a member that answers pings all the time', () => {
  it('is told of the end of a session again if the message was lost', async () => {
    const group = await open();
    const { client, primary, backup, stale } = await sessionWithStaleCopy(group);
    const { fateOf } = group.network;
    let lost = 0;
    group.network.fateOf = (message) =>
      message.type === 'end' && message.to === stale && lost++ === 0 ? 'lose' : fateOf(message);
    await group.store(primary).destroy(client.access);

    await eventually('its copy has ended', () => group.store(stale).size === 0, 10_000);
    group.kill(primary);
    group.kill(backup);
    expect(await eventually('it is read', () => client.withoutLocator().read(group.store(stale)))).toEqual({
      outcome: 'none',
    });
    expect(lost).toBeGreaterThan(1);
  });

  it('is told of a new primary although the claim of its copy was lost', async () => {
    const group = await open();
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const [former, , other] = membersOf(group, client);
    group.network.fateOf = ({ type, to }) =>
      to === former && (type === 'claim' || type === 'put') ? 'lose' : 'deliver';
    await client.add(group.store(other), 'moved');
    expect(membersOf(group, client)[2]).toBe(former);

    await eventually('its copy has gone', () => group.store(former).size === 0, 10_000);
    expect(await client.read(group.store(other))).toEqual(['first', 'moved']);
  });
});

describe('a member that comes back to the list of members', () => {
  it('is told which sessions have ended in the meantime', async () => {
    const off = new Set<string>();
    const group = await open(off);
    const { client, primary, backup, stale } = await sessionWithStaleCopy(group);
    const membersUp = (): number[] => [primary, backup].map((name) => group.store(name).membersUp);
    off.add(stale);
    await eventually('it is off the list', () => membersUp().every((count) => count === 2));
    await group.store(primary).destroy(client.access);
    expect(group.store(stale).size).toBe(1);
    off.delete(stale);

    await eventually('its copy has ended', () => group.store(stale).size === 0, 10_000);
    expect(await client.withoutLocator().read(group.store(stale))).toEqual({ outcome: 'none' });
  });
});
