import { describe, expect, it } from '@jest/globals';
import { ANONYMOUS } from 'nestjs-session-beans/store-kit';
import type { Epoch } from '../copy/epoch.js';
import { Replica, type ReplicaFields } from '../copy/replica.js';
import type { SessionState } from '../copy/session-state.js';
import { evictionOf, tombstoneOf } from '../copy/tombstone.js';
import { stateToWire } from '../copy/wire-state.js';
import type { ReplicationEvent } from '../options/replication-events.js';
import { resolveReplicatedOptions } from '../options/replicated-session-store.options.js';
import { handleDrop, handleNews } from './handle-drop.js';
import { endSession } from './handle-end.js';
import { handlePut } from './handle-put.js';
import { isPrimaryOf } from './lease.js';
import { createReplicationContext } from './replication-context.js';
import type { Move, PutMessage } from './replication-message.js';

const MEMBERS = ['s1', 's2', 's3'].map((name) => ({ name, host: '127.0.0.1', port: 1 }));
const NOW = 1_000_000;

/** How often the id was renewed, and where it was last. */
function state(generation: number, renewedIn?: Epoch): SessionState {
  return {
    stamp: '1.w',
    earlierWrites: '',
    lifetime: { idleTimeoutMs: 60_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 60_000 },
    parts: [],
    proof: `proof ${generation}`,
    identity: { ...ANONYMOUS, generation },
    renewedIn,
    era: 1,
    createdAt: NOW,
    lastAccessedAt: NOW,
    joined: true,
    confirmed: true,
    lock: undefined,
  };
}

/** Member s1, with a copy if there is one. */
function open(copy?: Partial<ReplicaFields> & { readonly fenced?: boolean }, bounds: { maxSessions?: number } = {}) {
  const events: ReplicationEvent[] = [];
  const options = resolveReplicatedOptions({
    nodeName: 's1',
    members: MEMBERS,
    clock: { now: () => NOW },
    onEvent: (event) => events.push(event),
    ...bounds,
  });
  const context = createReplicationContext(options, () => {
    throw new Error('nothing is sent');
  });
  context.members.update(MEMBERS);
  if (copy) {
    const { fenced = false, ...fields } = copy;
    const replica = new Replica({
      key: 'k',
      counter: 9,
      node: 's3',
      backup: 's1',
      seq: 5,
      state: state(0),
      isOwn: false,
      partnerGeneration: 0,
      lineage: '5:s3',
      ...fields,
    });
    context.table.install(replica);
    if (fenced) context.table.fence(replica);
  }
  /** From s2, which wants to begin the epoch 20. */
  const put = (message: Partial<PutMessage>) =>
    handlePut(context, 's2', {
      type: 'put',
      key: 'k',
      counter: 20,
      backup: 's1',
      seq: 6,
      from: { counter: 9, node: 's3' },
      lineage: '5:s3',
      at: NOW,
      process: '1-a',
      ...message,
    }).type;
  const begun = { key: 'k', counter: 20, node: 's2', backup: 's3', generation: 0, lineage: '5:s3' };
  const drop = (move: Partial<Move>) => handleDrop(context, 's2', { type: 'drop', ...begun, ...move });
  const news = (move: Partial<Move>) => handleNews(context, 's2', { type: 'news', moves: [{ ...begun, ...move }] });
  return { context, events, put, drop, news, copy: () => context.table.get('k') };
}

const RENEWED = { state: state(1, { counter: 9, node: 's3' }) };

describe('[M5] a new epoch of a branch in which the id was not renewed', () => {
  it('is refused by a member that has the renewal', () => {
    const { put, copy } = open({ ...RENEWED, fenced: true });

    expect(put({ state: stateToWire(state(0)) })).toBe('refused');
    expect(copy()?.counter).toBe(9);
  });

  it('is followed if it went on from the epoch of the renewal, which was never acknowledged then', () => {
    const { put, copy } = open({ ...RENEWED, fenced: true });

    expect(put({ state: stateToWire(state(0)), lineage: '5:s3 9:s3' })).toBe('ok');
    expect(copy()?.counter).toBe(20);
  });

  it('is followed where nobody knows of a renewal', () => {
    expect(open({ fenced: true }).put({ state: stateToWire(state(0)) })).toBe('ok');
  });

  it('is refused by a member without a copy that remembers where the renewal is', () => {
    const { put, context } = open();
    context.memory.noteMove('k', { counter: 9, node: 's3', backup: 's2', generation: 1 });

    expect(put({ state: stateToWire(state(0)), from: null })).toBe('refused');
    expect(put({ state: stateToWire(state(1, { counter: 9, node: 's3' })), from: null })).toBe('ok');
  });
});

describe('a new epoch of a sender that was told of no copy', () => {
  it('takes the place of one that it goes on from, and that nobody counts on', () => {
    expect(open({ fenced: true }).put({ state: stateToWire(state(0)), from: null, lineage: '9:s3' })).toBe('ok');
  });

  it('does not take the place of one that others count on, or that is of another line', () => {
    expect(open({}).put({ state: stateToWire(state(0)), from: null, lineage: '9:s3' })).toBe('refused');
    expect(open({ fenced: true }).put({ state: stateToWire(state(0)), from: null })).toBe('refused');
  });
});

describe('[M5] a drop after an epoch has begun elsewhere', () => {
  it('removes a copy from before', () => {
    const { drop, copy } = open({});
    drop({});

    expect(copy()).toBeUndefined();
  });

  it('leaves a copy whose id was renewed more often, unless that was never acknowledged', () => {
    const { drop, copy } = open(RENEWED);
    drop({});
    expect(copy()?.counter).toBe(9);

    drop({ lineage: '5:s3 9:s3' });
    expect(copy()).toBeUndefined();
  });

  it('is reported where a branch of this member yields', () => {
    const { drop, events } = open({ node: 's1', backup: 's3', isOwn: true, fenced: true });
    drop({});

    expect(events).toContainEqual({ type: 'yielded', session: 'k', to: 's2' });
  });
});

describe('the news of what has begun while this member was cut off', () => {
  it('contradicts a branch that this member serves, whichever counts more', () => {
    for (const generation of [0, 1, 2]) {
      const { news, copy, context } = open({ ...RENEWED, node: 's1', backup: 's3', isOwn: true });

      expect(news({ generation })).toMatchObject([{ key: 'k', counter: 20 }]);
      expect(copy()?.fenced).toBe(false);
      // It is not known yet which of the two yields.
      expect(context.memory.movedTo('k')).toBeUndefined();
    }
  });

  it('ends an epoch from which it goes on', () => {
    const { news, copy, events } = open({ node: 's1', backup: 's3', isOwn: true });

    expect(news({ lineage: '5:s3 9:s1' })).toEqual([]);
    expect(copy()).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual(['deposed']);
  });

  it('changes nothing where this member has gone on from it, keeps a copy for another branch, or has none', () => {
    const later = open({ node: 's1', backup: 's3', isOwn: true, counter: 30, lineage: '5:s3 20:s2' });
    expect(later.news({})).toEqual([]);
    expect(later.copy()?.fenced).toBe(false);

    const kept = open({});
    expect(kept.news({})).toEqual([]);
    expect([kept.copy()?.fenced, kept.context.memory.movedTo('k')]).toEqual([false, undefined]);

    const none = open();
    expect(none.news({})).toEqual([]);
    expect(none.context.memory.movedTo('k')).toBeUndefined();
  });
});

describe('[M5] a primary that knows of another branch', () => {
  const moved = { counter: 20, node: 's2', backup: 's3', from: 'member' as const };

  it('goes on if its own id was renewed more often', () => {
    const { copy } = open({ ...RENEWED, node: 's1', backup: 's3', isOwn: true });
    const replica = copy() as Replica;

    expect(isPrimaryOf(replica, [{ ...moved, generation: 0 }])).toBe(true);
    expect(isPrimaryOf(replica, [{ ...moved, generation: 1 }])).toBe(false);
    expect(isPrimaryOf(replica, [{ ...moved, generation: 0, from: 'client' }])).toBe(false);
  });
});

describe('[I8] a member that is full', () => {
  it('accepts a login from the primary, and no other change that needs room', () => {
    const { put, context } = open({ counter: 20, node: 's2' });
    context.table.boundAgainst = () => 'maxBytes';
    const delta = { stamp: '2.x', parts: ['a', 'x'], lastAccessedAt: NOW };

    expect(put({ delta })).toBe('full');
    expect(put({ delta: { ...delta, renewal: { proof: 'new' } } })).toBe('full');
    expect(put({ delta: { ...delta, renewal: { proof: 'new', principal: 'alice' } } })).toBe('ok');
  });
});

describe('the end of a session that had to make room', () => {
  it('is no news, which a flood could fill, and an end by decision is', () => {
    const { context } = open();
    endSession(context, 'k', evictionOf(state(0), NOW), 's1');
    expect([context.table.endOf('k'), context.news.end]).toEqual([expect.anything(), 0]);

    endSession(context, 'other', tombstoneOf(state(0), 'call', NOW), 's1');
    expect(context.news.end).toBe(1);
  });
});

describe('[D2] a creation', () => {
  it('is refused where an end was asked for before', () => {
    const { put, context } = open();
    const first = { seq: 1, from: null, lineage: '', state: stateToWire(state(0)) };
    context.refusedCreations.add('k', NOW);

    expect(put(first)).toBe('refused');
    expect(put({ ...first, key: 'other' })).toBe('ok');
  });
});
