import { afterEach, describe, expect, it } from '@jest/globals';
import { type SaveResult, SessionStoreError } from 'nestjs-session-beans/store-kit';
import type { ReplicatedSessionStore } from 'nestjs-session-beans-replicated';
import type { Reservations } from '../../libs/replicated/src/copy/reservations.js';
import { eventually } from '../support/eventually.js';
import { ReplicatedClient } from '../support/replicated-client.js';
import { ReplicatedGroup } from '../support/replicated-group.js';

/** Timeouts that even a busy machine keeps. */
const PATIENT = { callTimeoutMs: 2_000, heartbeatMs: 500, leaseMs: 5_000, lostAfterMs: 10_000, goneAfterMs: 60_000 };

const opened: ReplicatedGroup[] = [];
afterEach(async () => {
  for (const group of opened.splice(0)) {
    group.network.fateOf = () => 'deliver';
    await group.close();
  }
});

async function open(options: object = {}): Promise<ReplicatedGroup> {
  const group = await ReplicatedGroup.open(3, { secret: 'at least sixteen bytes', ...PATIENT, ...options });
  opened.push(group);
  return group;
}

/** A login with a new session. */
async function logIn(store: ReplicatedSessionStore, mostSessions: number, user = 'alice'): Promise<SaveResult> {
  return store.save({ ...new ReplicatedClient().creation(), principal: user, mostSessions });
}

async function countAt(store: ReplicatedSessionStore, user = 'alice'): Promise<number> {
  const { sessions } = await store.principals.list(user, { limit: 1_000, parts: [] });
  return sessions.length;
}

function reservationsOf(group: ReplicatedGroup, name: string): Reservations {
  const store = group.store(name) as unknown as { node: { context: { reservations: Reservations } } };
  return store.node.context.reservations;
}

/** Logs in many times at once, on all members. @returns how many are saved, how many are refused, how many there are */
async function rush(group: ReplicatedGroup, names = group.names): Promise<number[]> {
  const logins = Array.from({ length: 30 }, (_, i) => logIn(group.store(names[i % names.length] as string), 5));
  const outcomes = (await Promise.all(logins)).map(({ outcome }) => outcome);
  const count = (wanted: string): number => outcomes.filter((outcome) => outcome === wanted).length;
  return [count('saved'), count('limit'), await countAt(group.store(names[0] as string))];
}

describe('a limit that refuses logins', () => {
  it('is exact, also while messages take their time, and leaves no reservation behind', async () => {
    const group = await open();
    group.network.fateOf = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 10));

    expect(await rush(group)).toEqual([5, 25, 5]);
    await eventually('all are released', () => group.names.every((name) => reservationsOf(group, name).size === 0));
  });

  it('is broken by a member that does not tell of the logins under way', async () => {
    const group = await open();
    for (const name of group.names) reservationsOf(group, name).reserve = () => [];
    const [saved] = await rush(group);

    expect(saved).toBeGreaterThan(5);
  });

  it('counts at one member for each user, and not at one for all', async () => {
    const group = await open();
    const users = Array.from({ length: 30 }, (_, i) => `user-${i}`);
    for (const user of users) expect(await logIn(group.store('s1'), 1, user)).toMatchObject({ outcome: 'saved' });

    const asked = group.network.traffic.filter(({ type }) => type === 'reserve').map(({ to }) => to);
    expect(new Set(asked)).toEqual(new Set(['s2', 's3']));
    expect(asked.length).toBeLessThan(users.length);
  });

  it('answers 503 while the member that counts does not answer, and nothing is stored', async () => {
    const group = await open({ callTimeoutMs: 50 });
    group.network.fateOf = ({ type }) => (type === 'reserve' ? 'fail' : 'deliver');
    const outcomes = await Promise.allSettled(group.names.map((name) => logIn(group.store(name), 5)));
    const failures = outcomes.filter((each) => each.status === 'rejected').map(({ reason }) => reason as unknown);
    group.network.fateOf = () => 'deliver';

    // The member that counts asks nobody.
    expect(failures).toHaveLength(2);
    const refused = { name: SessionStoreError.name, status: 503, operation: 'save', applied: false };
    for (const failure of failures) expect(failure).toMatchObject(refused);
    expect(await countAt(group.store('s1'))).toBe(1);
  });

  it.each(['s1', 's2', 's3'])('goes on when the process of %s has ended', async (name) => {
    const group = await open();
    for (const each of group.names) await logIn(group.store(each), 5);
    group.kill(name);
    const left = group.names.filter((each) => each !== name);

    expect(await rush(group, left)).toEqual([2, 28, 5]);
  });

  it('takes no place for a login that was not saved', async () => {
    const group = await open();
    for (const store of group.names.map((name) => group.store(name))) {
      const result = await new ReplicatedClient().renew(store, { principal: 'alice', mostSessions: 1 });
      expect(result).toEqual({ outcome: 'gone' });
    }
    expect(await logIn(group.store('s1'), 1)).toMatchObject({ outcome: 'saved' });
  });

  it('keeps the place of a login that failed, and that a backup may have', async () => {
    const group = await open({ onAlone: 'reject', callTimeoutMs: 50 });
    group.network.fateOf = ({ type }) => (type === 'put' ? 'fail' : 'deliver');
    await expect(logIn(group.store('s1'), 1)).rejects.toMatchObject({ applied: 'unknown' });
    group.network.fateOf = () => 'deliver';

    expect(await logIn(group.store('s2'), 1)).toEqual({ outcome: 'limit' });
    // Others are not held up by it.
    expect(await logIn(group.store('s2'), 2)).toMatchObject({ outcome: 'saved' });
  });

  it('counts a login once whose release was lost', async () => {
    const group = await open({ callTimeoutMs: 50 });
    group.network.fateOf = ({ type }) => (type === 'release' ? 'fail' : 'deliver');
    for (let i = 0; i < 5; i++) {
      expect(await logIn(group.store(group.names[i % 3] as string), 5)).toMatchObject({ outcome: 'saved' });
    }
    expect(await logIn(group.store('s1'), 5)).toEqual({ outcome: 'limit' });
  });
});
