import { describe, expect, it } from '@jest/globals';
import { ANONYMOUS } from 'nestjs-session-beans/store-kit';
import { ManualClock } from 'nestjs-session-beans/testing';
import { NO_BACKUP } from './epoch.js';
import { ReplicaTable } from './replica-table.js';
import { Replica } from './replica.js';
import type { SessionState } from './session-state.js';
import { evictionOf } from './tombstone.js';

function session(clock: ManualClock, payload = ''): SessionState {
  return {
    stamp: '1.a',
    earlierWrites: '',
    lifetime: { idleTimeoutMs: 600_000, absoluteTimeoutMs: 6_000_000, unjoinedTimeoutMs: 60_000 },
    parts: ['bean', '1.a', payload],
    proof: 'p',
    identity: ANONYMOUS,
    renewedIn: undefined,
    era: 1,
    createdAt: clock.now(),
    lastAccessedAt: clock.now(),
    joined: true,
    confirmed: true,
    lock: undefined,
  };
}

function open(bounds: { maxSessions?: number; maxBytes?: number } = {}) {
  const clock = new ManualClock();
  const table = new ReplicaTable({ maxSessions: 1_000, maxBytes: 1_000_000, clock, ...bounds });
  const put = (key: string, isOwn = true, backup = 's2'): Replica => {
    const replica = new Replica({
      key,
      counter: 1,
      node: isOwn ? 's1' : 's9',
      backup,
      seq: 1,
      state: session(clock),
      isOwn,
      partnerGeneration: 1,
      lineage: '',
    });
    table.install(replica);
    return replica;
  };
  return { clock, table, put };
}

const tombstone = (clock: ManualClock, ms = 120_000) => ({ callId: '', generation: 0, until: clock.now() + ms });

describe('the copies of a member', () => {
  it('are found by who is logged in, as long as they are here and a moment longer if they were given away', () => {
    const { table, put, clock } = open();
    const [one, two, three] = [put('one'), put('two', false), put('three')];
    const logIn = (replica: Replica, principal: string): void => {
      const state = replica.state as SessionState;
      table.advance(replica, replica.seq + 1, { ...state, identity: { ...ANONYMOUS, principal, logins: 1 } });
    };
    const keys = (principal: string): string[] => [...table.keysOf(principal)].toSorted();
    for (const replica of [one, two, three]) logIn(replica, 'alice');
    expect([keys('alice'), keys('bob')]).toEqual([['one', 'three', 'two'], []]);

    logIn(one, 'bob');
    table.end('three', tombstone(clock));
    expect([keys('alice'), keys('bob')]).toEqual([['two'], ['one']]);

    // A member that asks for them may have asked the one before that has it now.
    table.remove(two);
    clock.advance(5_000);
    expect(keys('alice')).toEqual(['two']);
    clock.advance(5_000);
    expect(keys('alice')).toEqual([]);

    clock.advance(6_000_000);
    table.sweep();
    expect([table.size, keys('bob')]).toEqual([0, []]);
  });

  it('are counted by what they are', () => {
    const { table, put, clock } = open();
    const one = put('one');
    put('two', true, NO_BACKUP);
    put('three', false);
    expect([table.size, table.primaries, table.alone]).toEqual([3, 2, 1]);

    table.fence(one);
    table.fence(one);
    expect([table.size, table.primaries, table.alone]).toEqual([3, 1, 1]);
    put('two', false);
    expect([table.size, table.primaries, table.alone]).toEqual([3, 0, 0]);
    table.advance(put('one'), 2, tombstone(clock));
    expect([table.size, table.primaries]).toEqual([2, 0]);
    expect(table.get('one')?.seq).toBe(2);
  });

  it('are counted no more when they have expired, whoever ends their epoch afterwards', () => {
    const { table, put, clock } = open({ maxSessions: 1 });
    const one = put('one', true, NO_BACKUP);
    clock.advance(601_000);
    expect(table.boundAgainst('two', session(clock))).toBeUndefined();
    table.fence(one);

    expect([one.fenced, table.size, table.primaries, table.alone]).toEqual([true, 0, 0, 0]);
  });

  it('cost no bytes when they are gone, by whichever way', () => {
    const { table, put, clock } = open();
    const [one, two] = [put('one'), put('two')];
    put('three', false);
    table.advance(one, 2, session(clock, 'x'.repeat(1_000)));
    table.advance(one, 3, session(clock, 'x'));
    table.remove(one);
    table.advance(two, 2, tombstone(clock));
    clock.advance(86_400_000);
    table.sweep();

    expect([table.size, table.bytes, table.get('two')]).toEqual([0, 0, undefined]);
  });

  it('are kept a minute longer than the primary serves them', () => {
    const { table, put, clock } = open();
    put('own');
    put('kept', false);
    clock.advance(601_000);
    table.sweep();
    expect([table.get('own'), table.get('kept')?.isExpired(clock.now())]).toEqual([undefined, true]);
    clock.advance(60_000);
    table.sweep();
    expect(table.size).toBe(0);
  });

  it('are gone when the session has ended for good, and the end is remembered until no copy can live', () => {
    const { table, put, clock } = open({ maxSessions: 100 });
    put('one');
    table.end('one', tombstone(clock, 3_600_000));
    table.end('unknown', tombstone(clock, 3_600_000));
    expect([table.get('one'), table.size, table.primaries]).toEqual([undefined, 0, 0]);
    clock.advance(3_599_000);
    table.sweep();
    expect([table.endOf('one'), table.endOf('unknown')]).toEqual([expect.anything(), expect.anything()]);
    clock.advance(1_000);
    table.sweep();
    expect([table.endOf('one'), table.endOf('unknown')]).toEqual([undefined, undefined]);
  });

  it('are remembered as ended up to the number of sessions, the last ones', () => {
    const { table, clock } = open({ maxSessions: 100 });
    for (let i = 0; i <= 100; i++) table.end(`${i}`, tombstone(clock));

    expect([table.endOf('0'), table.endOf('1')]).toEqual([undefined, expect.anything()]);
    expect(table.boundAgainst('new', session(clock))).toBeUndefined();
  });

  it('are remembered as ended apart from those that had to make room', () => {
    const { table, clock } = open({ maxSessions: 100 });
    table.end('logout', tombstone(clock));
    for (let i = 0; i <= 100; i++) table.end(`${i}`, evictionOf(session(clock), clock.now()));

    expect([table.endOf('logout'), table.endOf('1')]).toEqual([expect.anything(), expect.anything()]);
    expect(table.endOf('0')).toBeUndefined();
  });

  it('that are ending are kept as any other, and count nothing', () => {
    const { table, put, clock } = open();
    table.advance(put('one'), 2, tombstone(clock));
    expect([table.get('one')?.seq, table.endOf('one'), table.size]).toEqual([2, undefined, 0]);
    clock.advance(121_000);
    table.sweep();
    expect(table.get('one')).toBeUndefined();
  });

  it('forget the text of the locator with the id for which it was made', () => {
    const { table, put, clock } = open();
    const one = put('one');
    one.locator = 'text';
    table.advance(one, 2, session(clock, 'x'));
    expect(one.locator).toBe('text');
    table.advance(one, 3, { ...session(clock, 'x'), proof: 'new' });
    expect(one.locator).toBeUndefined();
  });

  it('stay within the bounds, and only expired ones make room', () => {
    const { table, put, clock } = open({ maxSessions: 2, maxBytes: 5_000 });
    const one = put('one');
    put('two');

    expect(table.boundAgainst('three', session(clock))).toBe('maxSessions');
    expect(table.boundAgainst('one', session(clock, 'x'.repeat(2_000)))).toBe('maxBytes');
    expect(table.boundAgainst('one', session(clock, 'x'.repeat(500)))).toBeUndefined();
    expect(table.boundAgainst('three', tombstone(clock))).toBeUndefined();
    clock.advance(700_000);
    expect(table.boundAgainst('three', session(clock))).toBeUndefined();
    expect(table.get('one')).not.toBe(one);
  });
});
