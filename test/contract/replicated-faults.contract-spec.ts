import { afterEach, describe, expect, it } from '@jest/globals';
import { type SaveResult, type SessionStore, SessionStoreError } from 'nestjs-session-beans/store-kit';
import { ReplicatedSessionStore, type ReplicatedSessionStoreOptions } from 'nestjs-session-beans-replicated';
import { rendezvousOrder } from '../../libs/replicated/src/members/rendezvous-order.js';
import { type ReplicationTimers, systemTimers } from '../../libs/replicated/src/options/replication-timers.js';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { ReplicatedClient } from '../support/replicated-client.js';
import { ReplicatedGroup } from '../support/replicated-group.js';

const opened: ReplicatedGroup[] = [];
afterEach(async () => {
  for (const group of opened.splice(0)) {
    group.network.heal();
    group.network.fateOf = () => 'deliver';
    await group.close();
  }
});

type Options = Partial<ReplicatedSessionStoreOptions>;

async function open(size: number, options: Options | ((name: string) => Options) = {}): Promise<ReplicatedGroup> {
  const optionsOf = typeof options === 'function' ? options : () => options;
  const group = await ReplicatedGroup.open(size, (name) => ({ secret: 'at least sixteen bytes', ...optionsOf(name) }));
  opened.push(group);
  return group;
}

/** Primary, backup and another member, by the client's locator. */
function ownersOf(group: ReplicatedGroup, { locator = '' }: ReplicatedClient): [string, string, string] {
  const [primary = '', backup = ''] = locator.split('.');
  const third = group.names.find((name) => name !== primary && name !== backup) ?? '';
  return [primary, backup, third];
}

const unavailable = { name: SessionStoreError.name, status: 503 };

describe('a read at the primary', () => {
  it('sends no message while its backup follows it', async () => {
    const group = await open(3);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const before = group.network.traffic.filter(({ type }) => type !== 'ping').length;
    for (let i = 0; i < 1_000; i++) await client.read(group.store('s1'));

    expect(group.network.traffic.filter(({ type }) => type !== 'ping')).toHaveLength(before);
  });
});

describe('a member that crashes', () => {
  it('loses no acknowledged change, whichever of the others answers', async () => {
    const group = await open(3);
    const clients = Array.from({ length: 20 }, () => new ReplicatedClient());
    for (const client of clients) {
      await client.create(group.store('s1'));
      await client.add(group.store('s1'), 'acknowledged');
    }
    group.kill('s1');

    for (const [i, client] of clients.entries()) {
      expect(await client.read(group.store(i % 2 === 0 ? 's2' : 's3'))).toEqual(['first', 'acknowledged']);
    }
  });

  it('F21 has its copies replaced without any request', async () => {
    const group = await open(3);
    const clients = Array.from({ length: 30 }, () => new ReplicatedClient());
    for (const [i, client] of clients.entries()) await client.create(group.store(`s${(i % 3) + 1}`));
    group.kill('s3');
    const [one, two] = [group.store('s1'), group.store('s2')];
    await eventually('two copies of each', () => one.primaries + two.primaries === 30 && one.size + two.size === 60);
    group.kill('s2');

    for (const client of clients) {
      expect(await eventually('it is read', () => client.read(one))).toEqual(['first']);
    }
  });

  it('comes back empty, and serves the sessions that the others kept', async () => {
    const group = await open(3);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    group.kill('s1');
    const restarted = await group.start('s1');

    expect(await client.read(restarted)).toEqual(['first']);
    await client.add(restarted, 'again');
    expect(await client.read(group.store('s2'))).toEqual(['first', 'again']);
  });
});

describe('a member that has just started', () => {
  it('keeps new sessions while others still consider it lost', async () => {
    const group = await open(3);
    const { network } = group;
    group.kill('s2');
    const saysLast = (type: 'memberLost' | 'memberBack'): boolean =>
      ['s1', 's3'].every(
        (name) => group.eventsOf(name).findLast((event) => 'member' in event && event.member === 's2')?.type === type,
      );
    await eventually('s2 is lost', () => saysLast('memberLost'));
    // The other members have not called it again yet.
    network.fateOf = ({ to, type }) => (to === 's2' && type === 'ping' ? 'lose' : 'deliver');
    await group.start('s2');
    const started = network.traffic.length;
    const clients = Array.from({ length: 20 }, () => new ReplicatedClient());
    for (const client of clients) await client.create(group.store('s2'));
    const pings = (): number => network.traffic.filter(({ from, type }) => from === 's2' && type === 'ping').length;
    const sent = pings();
    await eventually('the others have had time to act on it', () => pings() > sent + 20);
    network.fateOf = () => 'deliver';
    await eventually('s2 is back', () => saysLast('memberBack'));
    for (const client of clients) expect(await client.read(group.store('s2'))).toEqual(['first']);

    const claims = network.traffic.slice(started).filter(({ type, from }) => type === 'claim' && from !== 's2');
    expect(claims).toEqual([]);
  });
});

describe('a primary that was frozen', () => {
  it('F24 does not overwrite newer changes with the change that it was about to store', async () => {
    const group = await open(3);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const late = client.fork();
    const [primary, backup] = ownersOf(group, client);
    const thaw = new Latch();
    group.network.fateOf = ({ from, to, type }) =>
      from === primary || (to === primary && type !== 'ping') ? thaw.opened : 'deliver';
    const outcome = late.add(group.store(primary), 'late').then(
      () => 'late',
      () => 'refused',
    );
    await client.add(group.store(backup), 'meanwhile');
    thaw.open();
    group.network.fateOf = () => 'deliver';
    const last = await outcome;

    const words = await eventually('it is served', () => client.read(group.store(primary)));
    expect(words).toEqual(last === 'late' ? ['first', 'meanwhile', 'late'] : ['first', 'meanwhile']);
    for (const name of group.names) expect(await client.read(group.store(name))).toEqual(words);
  });

  it('does not answer from its copy when its backup may have taken over', async () => {
    const group = await open(3, { quorum: true });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const tab = client.fork();
    const [primary, backup] = ownersOf(group, client);
    group.network.isolate(primary);
    await client.add(group.store(backup), 'meanwhile');
    group.network.heal();

    expect(await eventually('it answers', () => tab.read(group.store(primary)))).toEqual(['first', 'meanwhile']);
    expect(group.eventsOf(primary)).toContainEqual(expect.objectContaining({ type: 'deposed' }));
  });

  it('does not answer from its copy, even if its clock is slower than that of its backup', async () => {
    const slow: ReplicationTimers = {
      now: () => 0.92 * systemTimers.now(),
      after: (ms, callback) => systemTimers.after(ms / 0.92, callback),
      afterTurn: (callback) => systemTimers.afterTurn(callback),
    };
    const group = await open(3, (name) => ({ quorum: true, ...(name === 's1' && { timers: slow }) }));
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const tab = client.fork();
    const [, backup] = ownersOf(group, client);
    group.network.isolate('s1');
    await client.add(group.store(backup), 'meanwhile');
    group.network.heal();

    expect(await eventually('it answers', () => tab.read(group.store('s1')))).toEqual(['first', 'meanwhile']);
  });
});

describe('a broken link between primary and backup', () => {
  it('loses nothing and stops no request while both reach a third member', async () => {
    const group = await open(3);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const [primary, backup] = ownersOf(group, client);
    group.network.separate(primary, backup);
    for (const [name, word] of [
      [primary, 'one'],
      [backup, 'two'],
      [primary, 'three'],
    ] as const) {
      await eventually(word, async () => (await client.add(group.store(name), word)).outcome === 'saved');
    }

    expect(await client.read(group.store(primary))).toEqual(['first', 'one', 'two', 'three']);
  });
});

describe('a split without quorum', () => {
  it('F23 lets both sides go on; afterwards one yields, reports it, and all agree', async () => {
    const group = await open(3);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const other = client.fork();
    group.network.isolate('s1');
    await eventually('s1 goes on', async () => (await client.add(group.store('s1'), 'here')).outcome === 'saved');
    await eventually('s2 goes on', async () => (await other.add(group.store('s2'), 'there')).outcome === 'saved');
    group.network.heal();

    await eventually('somebody yields', () =>
      group.names.some((name) => group.eventsOf(name).some(({ type }) => type === 'yielded')),
    );
    const reads = await Promise.all(group.names.map((name) => client.withoutLocator().read(group.store(name))));
    expect(reads[0]).toHaveLength(2);
    expect(reads[1]).toEqual(reads[0]);
    expect(reads[2]).toEqual(reads[0]);
  });

  it('applies the change of a client to the side that the client has seen, or not at all', async () => {
    const group = await open(3);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const other = client.fork();
    group.network.isolate('s1');
    await eventually('s1 goes on', async () => (await client.add(group.store('s1'), 'here')).outcome === 'saved');
    await eventually('s2 goes on', async () => (await other.add(group.store('s2'), 'there')).outcome === 'saved');
    group.network.heal();
    await eventually('somebody yields', () =>
      group.names.some((name) => group.eventsOf(name).some(({ type }) => type === 'yielded')),
    );
    // No other client changes this part, so there is no conflict.
    const parts = new Map([['note', { base: null, payload: 'seen' }]]);
    const outcomes: SaveResult[] = [];
    for (const each of [client, other]) {
      const change = { ...each.change(null, ''), parts };
      outcomes.push(await eventually('it is answered', () => group.store('s3').save(change)));
    }

    expect(outcomes).toContainEqual({ outcome: 'gone', lost: true });
    expect(outcomes).toContainEqual(expect.objectContaining({ outcome: 'saved' }));
  });
});

describe('a member that is cut off from all others, without quorum,', () => {
  it('leaves the sessions to them that it only has copies of, as long as no client asks it', async () => {
    const group = await open(3);
    const clients: ReplicatedClient[] = [];
    for (let i = 0; i < 40; i++) {
      const client = new ReplicatedClient();
      await client.create(group.store(`s${(i % 2) + 1}`));
      if (ownersOf(group, client)[1] === 's3') clients.push(client);
    }
    expect(clients.length).toBeGreaterThan(5);
    const hears = (name: string, type: 'memberLost' | 'memberBack', member: string): boolean =>
      group.eventsOf(name).some((event) => event.type === type && event.member === member);
    group.network.isolate('s3');
    await eventually('all know', () =>
      ['s1', 's2'].every((s) => hears('s3', 'memberLost', s) && hears(s, 'memberLost', 's3')),
    );
    for (const client of clients) {
      const [primary] = ownersOf(group, client);
      await eventually(
        'it goes on',
        async () => (await client.add(group.store(primary), 'during')).outcome === 'saved',
      );
    }
    group.network.heal();
    await eventually('s3 is back', () =>
      ['s1', 's2'].every((s) => hears('s3', 'memberBack', s) && hears(s, 'memberBack', 's3')),
    );

    for (const client of clients) {
      for (const name of group.names) {
        expect(await eventually('it is read', () => client.fork().read(group.store(name)))).toEqual([
          'first',
          'during',
        ]);
      }
    }
    expect(group.names.flatMap((name) => group.eventsOf(name)).filter(({ type }) => type === 'yielded')).toEqual([]);
  });
});

describe('a split with quorum', () => {
  it('lets only the side of the majority go on, and loses nothing', async () => {
    const group = await open(3, { quorum: true });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const other = client.fork();
    group.network.isolate('s1');

    await expect(client.add(group.store('s1'), 'minority')).rejects.toMatchObject(unavailable);
    await eventually(
      'the majority goes on',
      async () => (await other.add(group.store('s2'), 'majority')).outcome === 'saved',
    );
    await expect(client.read(group.store('s1'))).rejects.toMatchObject(unavailable);
    group.network.heal();
    expect(await eventually('s1 serves it', () => client.read(group.store('s1')))).toEqual(['first', 'majority']);
    expect(group.names.flatMap((name) => group.eventsOf(name)).filter(({ type }) => type === 'yielded')).toEqual([]);
  });
});

describe('with quorum, a member that was restarted', () => {
  it('gives no answer about sessions of its earlier process while their only copy is unreachable', async () => {
    const group = await open(3, { quorum: true });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const old = client.fork();
    const [, backup, third] = ownersOf(group, client);
    // The third member takes the session over, and s1 does not notice.
    group.network.separate('s1', third);
    await client.add(group.store(third), 'moved');
    expect(ownersOf(group, client)).toEqual([third, backup, 's1']);
    group.network.fateOf = ({ from, type }) => (from === backup && type === 'claim' ? 'lose' : 'deliver');
    group.network.heal();
    group.kill(third);
    await group.start(third);
    group.network.isolate(backup);

    await expect(old.read(group.store('s1'))).rejects.toMatchObject(unavailable);
    group.network.heal();
    group.network.fateOf = () => 'deliver';
    expect(await eventually('it is served', () => old.read(group.store('s1')))).toEqual(['first', 'moved']);
  });
});

describe('with quorum, a group of which one member has just started', () => {
  it('reports it, and can lose another member as soon as the new one consents', async () => {
    const group = await open(3, { quorum: true });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const [, backup, third] = ownersOf(group, client);
    group.kill(third);
    group.network.fateOf = ({ from, to }) => (from === third && to === 's1' ? 'lose' : 'deliver');
    const restarted = await group.start(third);
    expect(restarted.consents).toBe(false);
    expect(restarted.figures()).toMatchObject({ consents: 0 });

    group.network.isolate('s1');
    await expect(client.fork().add(group.store(backup), 'too early')).rejects.toMatchObject(unavailable);
    group.network.fateOf = () => 'deliver';
    group.network.heal();
    await eventually('it has heard what was granted', () => restarted.consents);
    expect(group.names.map((name) => group.store(name).figures()['consents'])).toEqual([1, 1, 1]);
    group.network.isolate('s1');
    const { outcome } = await eventually('the others go on', () => client.add(group.store(backup), 'in time'));
    expect(outcome).toBe('saved');
  });
});

describe('with quorum, a member that is asked for its figures before it knows the others', () => {
  it('does not consider itself a group of its own', async () => {
    const group = await open(3, { quorum: true });
    group.kill('s3');
    group.network.isolate('s3');
    const restarting = group.create('s3');
    expect(restarting.figures()).toMatchObject({ consents: 0 });
    await restarting.open();

    expect(restarting.consents).toBe(false);
    group.network.heal();
    await eventually('it has heard what was granted', () => restarting.consents);
  });
});

describe('a message that was meant for an earlier process', () => {
  it('does not revive changes whose successors were lost with that process', async () => {
    const group = await open(3);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const [, backup] = ownersOf(group, client);
    const begun = group.network.traffic.find(({ to, type }) => to === backup && type === 'put')?.text ?? '';
    await client.add(group.store('s1'), 'later');
    group.kill(backup);
    // Only that one message gets through from s1, a second time.
    group.network.fateOf = ({ from, to, text }) =>
      (from === 's1' || to === 's1') && text !== begun ? 'lose' : 'deliver';
    const restarted = await group.start(backup);
    await group.network.transportOf('s1').call({ name: backup, host: '', port: 0 }, begun, 1_000);

    expect(restarted.size).toBe(0);
    await expect(client.read(restarted)).rejects.toMatchObject(unavailable);
  });
});

describe('a session whose owners are both down', () => {
  it('F22 is unavailable while they are silent, and lost once both have restarted', async () => {
    const group = await open(3, { goneAfterMs: 60_000 });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const [primary, backup, third] = ownersOf(group, client);
    group.kill(primary);
    group.kill(backup);

    await expect(client.read(group.store(third))).rejects.toMatchObject(unavailable);
    await group.start(primary);
    await expect(client.read(group.store(third))).rejects.toMatchObject(unavailable);
    await group.start(backup);
    expect(await client.read(group.store(third))).toEqual({ outcome: 'none', lost: true });
    expect(await client.read(group.store(third))).toEqual({ outcome: 'none' });
    expect(group.eventsOf(third)).toContainEqual({ type: 'lost', session: client.key.slice(0, 8) });
  });

  it('is lost once both are gone', async () => {
    const group = await open(3, { goneAfterMs: 500 });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const [primary, backup, third] = ownersOf(group, client);
    group.kill(primary);
    group.kill(backup);

    await expect(client.read(group.store(third))).rejects.toMatchObject(unavailable);
    expect(await eventually('it is lost', () => client.read(group.store(third)))).toEqual({
      outcome: 'none',
      lost: true,
    });
  });

  it('is not answered with the older state of a third member', async () => {
    const group = await open(3, { goneAfterMs: 60_000 });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const [, backup, third] = ownersOf(group, client);
    // The third member takes it over, and the former owner does not learn that its copy is superfluous.
    group.network.fateOf = ({ type }) => (type === 'drop' || type === 'check' ? 'lose' : 'deliver');
    await client.add(group.store(third), 'newer');
    const owners = ownersOf(group, client);
    expect(owners[0]).toBe(third);
    for (const name of owners.slice(0, 2)) group.network.isolate(name);

    const stale = group.names.find((name) => !owners.slice(0, 2).includes(name)) as string;
    expect(['s1', backup]).toContain(stale);
    expect(group.store(stale).size).toBe(1);
    await expect(client.read(group.store(stale))).rejects.toMatchObject(unavailable);
    await expect(client.withoutLocator().read(group.store(stale))).rejects.toMatchObject(unavailable);
  });
});

describe('a session that has ended', () => {
  it('stays ended when the member that ended it crashes', async () => {
    const group = await open(3);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    expect(await group.store('s1').destroy(client.access)).toEqual({ outcome: 'ended' });
    group.kill('s1');

    for (const name of ['s2', 's3']) {
      expect(await client.read(group.store(name))).toEqual({ outcome: 'none' });
      expect(await group.store(name).save(client.change(null, 'late'))).toEqual({ outcome: 'gone' });
      expect(await group.store(name).save(client.creation())).toEqual({ outcome: 'gone' });
    }
  });

  it('is not revived by a creation that was in transit', async () => {
    const group = await open(3);
    const client = new ReplicatedClient();
    const thaw = new Latch();
    group.network.fateOf = ({ from, type }) => (from === 's1' && type === 'put' ? thaw.opened : 'deliver');
    const zombie = group.store('s1').save(client.creation('zombie'));
    expect(await group.store('s2').destroy(client.access)).toEqual({ outcome: 'none' });
    thaw.open();
    group.network.fateOf = () => 'deliver';

    expect(await zombie).toEqual({ outcome: 'gone' });
    for (const name of group.names) expect(await client.read(group.store(name))).toEqual({ outcome: 'none' });
  });

  it('is not created again over a copy that another member has claimed', async () => {
    // Counters start low at s1 and high at s3, so that the counter alone does not prevent it.
    const group = await open(4, (name) => ({ random: () => (name === 's1' ? 0 : 0.9) }));
    const members = group.names.map((name) => ({ name, host: '127.0.0.1', port: 7001 }));
    let client = new ReplicatedClient();
    while (rendezvousOrder(client.key, members, undefined)[0]?.name !== 's2') client = new ReplicatedClient();
    await client.create(group.store('s1'));
    // s4 claims the session, which fences the copy at s2, and then fails.
    group.network.fateOf = ({ from, type }) => (from === 's4' && type === 'put' ? 'fail' : 'deliver');
    await expect(client.fork().read(group.store('s4'))).rejects.toMatchObject(unavailable);
    group.network.fateOf = ({ from, type }) => (from === 's3' && type === 'claim' ? 'fail' : 'deliver');
    const again = await group
      .store('s3')
      .save(client.creation('again'))
      .catch(() => undefined);

    expect(again?.outcome).not.toBe('saved');
    group.network.fateOf = () => 'deliver';
    for (const name of group.names)
      expect(await eventually('it is read', () => client.read(group.store(name)))).toEqual(['first']);
  });

  it('is not revived by a copy that a third member has kept', async () => {
    const group = await open(3);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const old = client.fork();
    const [, , third] = ownersOf(group, client);
    group.network.fateOf = ({ type }) => (['drop', 'check', 'end'].includes(type) ? 'lose' : 'deliver');
    await client.add(group.store(third), 'moved');
    const owners = ownersOf(group, client);
    await group.store(third).destroy(client.access);
    const stale = group.names.find((name) => !owners.slice(0, 2).includes(name)) as string;
    expect(group.store(stale).size).toBe(1);

    expect(await old.read(group.store(stale))).toEqual({ outcome: 'none' });
    expect(await client.withoutLocator().read(group.store(stale))).toEqual({ outcome: 'none' });
  });
});

describe('a member without others', () => {
  it('goes on with one copy, reports it, and makes another one when a member is back', async () => {
    const group = await open(2);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    group.kill('s2');
    await client.add(group.store('s1'), 'alone');
    expect(client.locator).toMatch(/^s1\.-\./);
    expect(group.store('s1').alone).toBe(1);
    expect(group.eventsOf('s1')).toContainEqual({ type: 'alone', session: client.key.slice(0, 8) });
    await group.start('s2');

    await eventually('it has a copy', () => group.store('s1').alone === 0 && group.store('s2').backups === 1);
    group.kill('s1');
    expect(await client.read(group.store('s2'))).toEqual(['first', 'alone']);
  });

  it('refuses changes if so configured, and goes on when a member is back', async () => {
    const group = await open(2, { onAlone: 'reject' });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    group.kill('s2');

    await expect(client.add(group.store('s1'), 'alone')).rejects.toMatchObject({
      detail: expect.stringMatching(/onAlone is reject/),
    });
    await expect(new ReplicatedClient().create(group.store('s1'))).rejects.toMatchObject(unavailable);
    await group.start('s2');
    await eventually('it goes on', async () => (await client.add(group.store('s1'), 'again')).outcome === 'saved');
    expect(await client.read(group.store('s2'))).toEqual(['first', 'again']);
  });

  it('is a group of its own when no other member is on the list', async () => {
    const group = await open(1);
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    await client.add(group.store('s1'), 'second');

    expect(await client.read(group.store('s1'))).toEqual(['first', 'second']);
    expect([group.store('s1').primaries, group.store('s1').alone, group.store('s1').membersUp]).toEqual([1, 1, 1]);
  });
});

describe('a list of members from a function', () => {
  it('is read again: a member that left the list is replaced, and a failed list changes nothing', async () => {
    const member = (name: string) => ({ name, host: '127.0.0.1', port: 7000 + Number(name.slice(1)) });
    let names: string[] | undefined = ['s1', 's2', 's3'];
    let asked = 0;
    const members = async () => {
      asked++;
      if (!names) throw new Error('DNS is down');
      return names.map(member);
    };
    const group = await open(3, { members, refreshMembersMs: 20 });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const [, backup, third] = ownersOf(group, client);
    names = ['s1', third];
    await eventually('another member has the copy', () => group.store(third).backups === 1);
    names = undefined;
    const before = asked;
    await eventually('it is asked again', () => asked > before + 3);

    expect(group.store('s1').membersUp).toBe(2);
    expect(await client.read(group.store('s1'))).toEqual(['first']);
    expect(client.locator).toMatch(new RegExp(`^s1\\.${third}\\.`));
    await expect(client.read(group.store(backup))).rejects.toMatchObject(unavailable);
  });

  it('must succeed when the application starts, and must contain this member', async () => {
    const start = (members: ReplicatedSessionStoreOptions['members']) =>
      new ReplicatedSessionStore({ nodeName: 's1', members }).open();

    await expect(start(() => Promise.reject(new Error('DNS is down')))).rejects.toThrow(
      /the function failed: DNS is down/,
    );
    await expect(start(async () => [{ name: 's2', host: 'h', port: 1 }])).rejects.toThrow(
      /nodeName = "s1": allowed is the name of one of the members, which are s2/,
    );
  });
});

describe('close', () => {
  it('hands the sessions over before the member stops', async () => {
    const group = await open(3);
    const clients = Array.from({ length: 50 }, () => new ReplicatedClient());
    for (const client of clients) await client.create(group.store('s1'));
    await group.store('s1').close();

    // The last of them have their second copies made when the member has gone already.
    await eventually('all are taken over', () => group.store('s2').primaries + group.store('s3').primaries === 50);
    const others: SessionStore[] = [group.store('s2'), group.store('s3')];
    for (const [i, client] of clients.entries())
      expect(await client.read(others[i % 2] as SessionStore)).toEqual(['first']);
    await expect(clients[0]?.read(group.store('s1'))).rejects.toMatchObject({
      detail: expect.stringMatching(/it is not open/),
    });
  });
});

describe('saves from all members at once', () => {
  it('are all kept, 1,000 in one session', async () => {
    const group = await open(3, { callTimeoutMs: 2_000, leaseMs: 4_000, lostAfterMs: 20_000, goneAfterMs: 60_000 });
    const client = new ReplicatedClient();
    await client.create(group.store('s1'));
    const work = Array.from({ length: 1_000 }, (_, i) => `${i}`);
    let refused = 0;
    const next = work.values();
    const adding = async (name: string): Promise<void> => {
      const own = client.fork();
      for (const word of next) {
        // A 503 leaves open whether the save was stored. Like a client, look before you repeat it.
        for (let isStored = false; !isStored;) {
          isStored = await own.add(group.store(name), word).then(
            () => true,
            async () => {
              refused++;
              return ((await own.read(group.store(name))) as string[]).includes(word);
            },
          );
        }
      }
    };
    await Promise.all(group.names.flatMap((name) => Array.from({ length: 4 }, () => adding(name))));

    const words = (await client.read(group.store('s2'))) as string[];
    expect(words.toSorted()).toEqual(['first', ...work].toSorted());
    expect(refused).toBeLessThan(100);
  });
});
