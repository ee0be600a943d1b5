import { afterEach, describe, expect, it } from '@jest/globals';
import { SessionStoreError } from 'nestjs-session-beans/store-kit';
import { eventually } from '../support/eventually.js';
import { ReplicatedClient } from '../support/replicated-client.js';
import { ReplicatedGroup } from '../support/replicated-group.js';

const SECRET = 'at least sixteen bytes';
const NONE = { outcome: 'none' };
const SUPERSEDED = { outcome: 'superseded' };
const unavailable = { name: SessionStoreError.name, status: 503 };

const opened: ReplicatedGroup[] = [];
afterEach(async () => {
  for (const group of opened.splice(0)) {
    group.network.heal();
    group.network.fateOf = () => 'deliver';
    await group.close();
  }
});

async function open(size: number, options: Parameters<typeof ReplicatedGroup.open>[1] = {}): Promise<ReplicatedGroup> {
  const group = await ReplicatedGroup.open(size, options);
  opened.push(group);
  return group;
}

/** The messages that have been sent, apart from heartbeats. */
function messagesOf({ network }: ReplicatedGroup): string[] {
  return network.traffic.map(({ type }) => type).filter((type) => type !== 'ping');
}

/** Everything that members have reported. */
function eventsOf(group: ReplicatedGroup): string[] {
  return group.names.flatMap((name) => group.eventsOf(name).map(({ type }) => type));
}

async function begin(group: ReplicatedGroup): Promise<ReplicatedClient> {
  const client = new ReplicatedClient();
  await client.create(group.store('s1'));
  return client;
}

function ownersOf(group: ReplicatedGroup, { locator = '' }: ReplicatedClient): [string, string, string] {
  const [primary = '', backup = ''] = locator.split('.');
  const third = group.names.find((name) => name !== primary && name !== backup) ?? '';
  return [primary, backup, third];
}

/** No honest epoch of a test gets this far. */
const FAR_AHEAD = 100_000_000;

function counterOf(field = ''): number {
  return Number.parseInt(field, 36);
}

/** The locator of a later epoch, which nobody has begun. */
function forged({ locator = '' }: ReplicatedClient, mac?: string): string {
  const [primary, backup, counter = '', signature] = locator.split('.');
  const later = counterOf(counter) + FAR_AHEAD;
  return [primary, backup, later.toString(36), mac ?? signature].join('.');
}

describe('a caller who knows the name of a session, and no id of it', () => {
  it('does not move it, however often', async () => {
    const group = await open(3, { secret: SECRET });
    const client = await begin(group);
    const [primary, backup, third] = ownersOf(group, client);
    const { locator } = client;
    for (let i = 0; i < 100; i++) {
      const elsewhere = group.store(i % 2 === 0 ? third : backup);
      const guesser = client.guesser();
      if (i % 3 === 0) guesser.locator = locator;
      expect(await guesser.read(elsewhere)).toEqual(NONE);
      const before = messagesOf(group).length;
      expect(await client.read(group.store(primary))).toEqual(['first']);
      expect(messagesOf(group)).toHaveLength(before);
    }

    expect(client.locator).toBe(locator);
    expect(new Set(messagesOf(group))).toEqual(new Set(['put', 'peek']));
    expect(eventsOf(group)).toEqual([]);
  });

  it.each([undefined, SECRET])(
    'ends nothing with a locator that he has made up, with the secret %s',
    async (secret) => {
      const group = await open(3, secret === undefined ? {} : { secret });
      const client = await begin(group);
      await client.add(group.store('s1'), 'second');
      for (const name of group.names) {
        const guesser = Object.assign(client.guesser(), { locator: forged(client) });
        expect(await guesser.read(group.store(name))).toMatchObject(NONE);
        expect(await group.store(name).save(guesser.change(null, 'x'))).toMatchObject({ outcome: 'gone' });
      }

      for (const name of group.names) {
        expect(await client.withoutLocator().read(group.store(name))).toEqual(['first', 'second']);
      }
      expect(eventsOf(group)).not.toContain('lost');
    },
  );

  it('does not even come into the queue of the session', async () => {
    const patient = { callTimeoutMs: 5_000, leaseMs: 10_000, lostAfterMs: 20_000, goneAfterMs: 60_000 };
    const group = await open(3, { secret: SECRET, ...patient });
    const client = await begin(group);
    const [, , third] = ownersOf(group, client);
    let isAnswered = false;
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    group.network.fateOf = ({ text }) => (text.includes('guess') ? answered : 'deliver');
    const guesser = Object.assign(client.guesser(), { access: { key: client.key, proof: 'guess' } });
    const guess = guesser.read(group.store(third)).finally(() => (isAnswered = true));
    expect(await client.read(group.store(third))).toEqual(['first']);
    expect(isAnswered).toBe(false);
    answer();
    expect(await guess).toEqual(NONE);
  });

  it('gets no answer while a member that may know better is silent', async () => {
    const group = await open(3, { secret: SECRET, lostAfterMs: 60_000, goneAfterMs: 60_000 });
    const client = await begin(group);
    const [primary, backup, third] = ownersOf(group, client);
    group.network.isolate(primary);

    await expect(client.guesser().read(group.store(backup))).rejects.toMatchObject(unavailable);
    await expect(client.guesser().read(group.store(third))).rejects.toMatchObject(unavailable);
    expect(messagesOf(group)).not.toContain('claim');
  });
});

describe('a locator that nobody has signed', () => {
  it('takes the session from nobody, not even with its id', async () => {
    const group = await open(3);
    const client = await begin(group);
    const other = client.fork();
    for (const name of group.names) {
      client.locator = forged(other, '-');
      expect(await client.read(group.store(name))).toEqual({ outcome: 'none', lost: true });
      expect(await other.read(group.store(name))).toEqual(['first']);
    }

    expect(eventsOf(group)).not.toContain('lost');
    expect(counterOf(other.locator?.split('.')[2])).toBeLessThan(FAR_AHEAD);
  });

  it('is refused as a setting beyond loopback', async () => {
    const member = { name: 's1', host: '10.0.0.1', port: 7001 };
    await expect(open(1, { members: async () => [member] })).rejects.toThrow(/option secret = undefined/);
  });
});

describe('a session whose id was renewed', () => {
  it('opens with the new id at every member, and with the former one at none', async () => {
    const group = await open(3, { secret: SECRET });
    const client = await begin(group);
    const former = client.fork();
    expect(await client.renew(group.store('s1'), { principal: 'alice' })).toMatchObject({ outcome: 'saved' });
    expect(client.locator).not.toBe(former.locator);
    for (const name of group.names) {
      expect(await former.read(group.store(name))).toEqual(SUPERSEDED);
      expect(await former.withoutLocator().read(group.store(name))).toEqual(SUPERSEDED);
      expect(await group.store(name).destroy(former.access)).toEqual(SUPERSEDED);
      expect(await client.read(group.store(name))).toEqual(['first']);
    }
  });

  it('is not moved, and not lost, by who has the former id and its locator', async () => {
    const group = await open(3, { secret: SECRET });
    const client = await begin(group);
    const former = client.fork();
    await client.renew(group.store('s1'));
    const { locator } = client;
    for (let i = 0; i < 10; i++) for (const name of group.names) await former.read(group.store(name));
    expect(await client.read(group.store('s1'))).toEqual(['first']);

    expect(client.locator).toBe(locator);
    expect(messagesOf(group)).not.toContain('claim');
  });

  it('[I6] gets the id once, when the answer is lost and another member is asked again', async () => {
    const group = await open(3, { secret: SECRET });
    const client = await begin(group);
    const change = { ...client.change(null, ''), parts: new Map(), renewal: { proof: 'new' } };
    const first = await group.store('s1').save(change);
    expect(await group.store('s2').save(change)).toMatchObject({ outcome: 'saved', stamp: `2.${change.writeId}` });
    expect(first).toMatchObject({ outcome: 'saved', stamp: `2.${change.writeId}` });

    expect(await group.store('s3').load({ key: client.key, proof: 'new' })).toMatchObject({
      record: { generation: 1 },
    });
  });

  it('keeps its new id when its primary crashes', async () => {
    const group = await open(3, { secret: SECRET });
    const client = await begin(group);
    const former = client.fork();
    await client.renew(group.store('s1'));
    group.kill('s1');

    for (const name of ['s2', 's3']) {
      expect(await eventually('it is read', () => client.read(group.store(name)))).toEqual(['first']);
      expect(await eventually('it is refused', () => former.read(group.store(name)))).toEqual(SUPERSEDED);
    }
  });
});

describe('a request at another member than the primary', () => {
  it('costs one round trip more than taking the session over, and only then', async () => {
    const group = await open(3, { secret: SECRET });
    const client = await begin(group);
    const [primary, , third] = ownersOf(group, client);
    const before = messagesOf(group).length;
    await client.read(group.store(third));
    await eventually('the former backup is told', () => messagesOf(group).includes('drop'));
    expect(messagesOf(group).slice(before)).toEqual(['peek', 'peek', 'claim', 'claim', 'put', 'put', 'drop']);
    const after = messagesOf(group).length;
    for (let i = 0; i < 10; i++) await client.read(group.store(third));
    expect(messagesOf(group)).toHaveLength(after);
    await client.add(group.store(third), 'second');
    expect(messagesOf(group).slice(after)).toEqual(['put']);
    expect(primary).toBe('s1');
  });
});

describe('a split without quorum', () => {
  // Counters grow by 1 at one side and by 1,024 at the other, and the other way round.
  const sides = ['s1', 'the others'].flatMap((renewing) => ['s1', 'the others'].map((ahead) => ({ renewing, ahead })));

  it.each(sides)(
    '[M5] leaves the new id, wherever it was renewed ($renewing), whichever epoch is ahead ($ahead)',
    async ({ renewing, ahead }) => {
      const group = await open(4, (name) => ({
        secret: SECRET,
        random: () => ((name === 's1') === (ahead === 's1') ? 0.99 : 0),
      }));
      const client = await begin(group);
      const former = client.fork();
      group.network.isolate('s1');
      const [here, there] = renewing === 's1' ? ['s1', 's2'] : ['s2', 's1'];
      await eventually('the former id goes on', async () => {
        for (const word of ['a', 'b', 'c']) await former.add(group.store(there), word);
        return true;
      });
      await eventually('it is renewed', async () => (await client.renew(group.store(here))).outcome === 'saved');
      await client.add(group.store(here), 'renewed');
      group.network.heal();

      await eventually('all members know', async () => {
        for (const name of group.names) {
          const answer = await former.withoutLocator().read(group.store(name));
          if (Array.isArray(answer)) return false;
        }
        return true;
      });
      for (const name of group.names) {
        expect(await eventually('it is read', () => client.read(group.store(name)))).toEqual(['first', 'renewed']);
        expect(await group.store(name).load(former.access)).toEqual(SUPERSEDED);
      }
      expect(eventsOf(group)).toContain('yielded');
    },
  );

  it('finds out by itself that both halves went on, without a request that meets both', async () => {
    const group = await open(4, { secret: SECRET });
    const client = await begin(group);
    const [primary, backup] = ownersOf(group, client);
    const others = group.names.filter((name) => name !== primary && name !== backup);
    for (const name of [primary, others[0] as string])
      for (const other of [backup, others[1] as string]) group.network.separate(name, other);
    const former = client.fork();
    const go = (who: ReplicatedClient, at: string) => async () => (await who.add(group.store(at), at)).outcome;
    await eventually('one half goes on', async () => (await go(client, primary)()) === 'saved');
    await eventually('the other half goes on', async () => (await go(former, backup)()) === 'saved');
    expect(ownersOf(group, client).slice(0, 2)).toEqual([primary, others[0]]);
    expect(ownersOf(group, former).slice(0, 2)).toEqual([backup, others[1]]);
    group.network.heal();

    await eventually('somebody yields', () => eventsOf(group).includes('yielded'));
    await eventually(
      'it has one primary',
      () => group.names.filter((name) => group.store(name).primaries > 0).length === 1,
    );
  });

  it('[M4] leaves the session ended that was ended on one side, and went on with another id on the other', async () => {
    const group = await open(4, { secret: SECRET });
    const client = await begin(group);
    const other = client.fork();
    group.network.isolate('s1');
    await eventually('s2 goes on', async () => (await other.add(group.store('s2'), 'there')).outcome === 'saved');
    await eventually('it is renewed', async () => (await other.renew(group.store('s2'))).outcome === 'saved');
    const ended = await eventually('it ends', () => group.store('s1').destroy(client.access));
    expect(ended).toEqual({ outcome: 'ended' });
    expect(await other.read(group.store('s2'))).toEqual(['first', 'there']);
    group.network.heal();

    await eventually('it is ended there', async () => !Array.isArray(await other.read(group.store('s2'))));
    for (const name of group.names) {
      for (const each of [client, other, other.withoutLocator()])
        expect(await each.read(group.store(name))).toEqual(NONE);
      expect(await group.store(name).save(other.change(null, 'late'))).toEqual({ outcome: 'gone' });
    }
  });

  it('[M4] leaves it ended, too, when the member that ended it has crashed', async () => {
    const group = await open(4, { secret: SECRET });
    const client = await begin(group);
    const other = client.fork();
    const [primary, backup] = ownersOf(group, client);
    group.network.isolate(backup);
    await eventually('it goes on', async () => (await other.add(group.store(backup), 'there')).outcome === 'saved');
    const ended = await eventually('it ends', () => group.store(primary).destroy(client.access));
    expect(ended).toEqual({ outcome: 'ended' });
    expect(await other.read(group.store(backup))).toEqual(['first', 'there']);
    group.kill(primary);
    group.network.heal();

    await eventually('it is ended there', async () => !Array.isArray(await other.read(group.store(backup))));
    expect(await other.withoutLocator().read(group.store(backup))).toEqual(NONE);
  });
});

describe('a split with quorum', () => {
  it('renews the id on the side of the majority only, and then the former one opens nowhere', async () => {
    const group = await open(3, { quorum: true, secret: SECRET });
    const client = await begin(group);
    const former = client.fork();
    group.network.isolate('s1');

    await expect(client.fork().renew(group.store('s1'))).rejects.toMatchObject(unavailable);
    await eventually('it is renewed', async () => (await client.renew(group.store('s2'))).outcome === 'saved');
    await expect(former.read(group.store('s1'))).rejects.toMatchObject(unavailable);
    group.network.heal();
    for (const name of group.names) {
      expect(await eventually('it is refused', () => former.read(group.store(name)))).toEqual(SUPERSEDED);
      expect(await eventually('it is read', () => client.read(group.store(name)))).toEqual(['first']);
    }
  });
});

describe('an id whose session is over', () => {
  it('[I15] is superseded at every member that answers', async () => {
    const group = await open(3, { secret: SECRET });
    const client = await begin(group);
    await group.store('s1').destroy(client.access);
    await group.store('s2').supersede(client.access);

    for (const name of group.names) expect(await client.read(group.store(name))).toEqual(SUPERSEDED);
  });
});
