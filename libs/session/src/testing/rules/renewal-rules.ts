import assert from 'node:assert/strict';
import type { PartChange } from '../../store/session-change.js';
import { sessionExpiry } from '../../store/session-record.js';
import { type ContractRules, timesOf } from '../store-under-test.js';

export const renewalRules: ContractRules = {
  '[I3] [I9] a renewal without parts is a save: it moves the end of life and changes the id, nothing else': async (
    on,
  ) => {
    const begun = await on.beginJoined({ a: '1' });
    const before = await on.found(begun.access);
    await on.pass(1);
    const access = on.otherIdOf(begun.access);
    const change = on.renewal(begun.access, access);
    const { stamp, times } = await on.saved(change);
    assert.equal(stamp, `2.${change.writeId}`);
    const record = await on.found(access);
    const { lastAccessedAt, expiresAt } = record;
    const { proof } = access;
    const identity = { proof, generation: 1, confirmed: false };
    assert.deepEqual(record, { ...before, ...identity, stamp, lastAccessedAt, expiresAt });
    assert.ok(lastAccessedAt >= before.lastAccessedAt + on.units(1));
    assert.equal(expiresAt, sessionExpiry(record, on.lifetime));
    assert.deepEqual(timesOf(times), timesOf(record));
  },

  '[I3] [S7] generation and n grow with each renewal': async (on) => {
    let { access } = await on.begin();
    for (let n = 1; n <= 6; n++) {
      ({ access } = await on.renew(access));
      const { generation, proof, stamp } = await on.found(access);
      assert.deepEqual([generation, proof, Number.parseInt(stamp, 10)], [n, access.proof, n + 1]);
    }
  },

  '[I3] a renewal brings changes of parts and a new lifetime, and removes the parts it does not keep': async (on) => {
    const [store, other] = await on.servers();
    const { access, stamp } = await on.begin({ kept: '1', changed: '1', removed: '1', rewritten: '1', left: '1' });
    // The server that renews the id does not know of this part.
    await on.saved(on.update(access, { elsewhere: { base: null, payload: '1' } }), other);
    const lifetime = { ...on.lifetime, idleTimeoutMs: on.units(20) };
    const renewed = await on.renew(
      access,
      {
        keep: ['kept', 'changed', 'removed', 'never there'],
        lifetime,
        parts: {
          changed: { base: stamp, payload: '2' },
          removed: { base: stamp, payload: null },
          rewritten: { base: null, payload: '2' },
          added: { base: null, payload: '2' },
          left: { base: null, payload: null },
        },
      },
      store,
    );
    const expected = new Map([
      ['kept', { version: stamp, payload: '1' }],
      ['changed', { version: renewed.stamp, payload: '2' }],
      ['rewritten', { version: renewed.stamp, payload: '2' }],
      ['added', { version: renewed.stamp, payload: '2' }],
    ]);
    const record = await on.found(renewed.access, {}, other);
    assert.deepEqual(new Map(record.parts), expected);
    assert.deepEqual(record.lifetime, lifetime);
  },

  '[I3] a renewal that keeps nothing removes all parts': async (on) => {
    const { access } = await on.begin({ a: '1', b: '1' });
    const renewed = await on.renew(access, { keep: [] });
    assert.deepEqual(new Map((await on.found(renewed.access)).parts), new Map());
  },

  '[I3] [S3] a renewal that meets a conflict changes neither id nor parts': async (on) => {
    const { access, stamp } = await on.beginJoined({ a: '1', b: '1', c: '1' });
    await on.saved(on.update(access, { b: { base: stamp, payload: '2' } }));
    const before = await on.found(access);
    await on.pass(1);
    const fine = { a: { base: stamp, payload: '2' } };
    const conflicts: { keep?: string[]; parts: Record<string, PartChange> }[] = [
      { parts: { b: { base: stamp, payload: '3' } } },
      { parts: { d: { base: stamp, payload: '3' } } },
      { keep: ['a', 'b'], parts: { b: { base: stamp, payload: null } } },
      // A part that is not kept begins anew, whatever its version was.
      { keep: ['a'], parts: { c: { base: stamp, payload: '2' } } },
    ];
    for (const { keep, parts } of conflicts) {
      const to = on.otherIdOf(access);
      const identity = { keep, principal: 'alice', lifetime: on.longLifetime };
      for (const all of [
        { ...fine, ...parts },
        { ...parts, ...fine },
      ]) {
        assert.deepEqual(await on.conflicting(on.renewal(access, to, { ...identity, parts: all })), before);
      }
      await on.assertNone(to);
    }
    assert.deepEqual(await on.found(access), before);
  },

  '[I6] [S5] a renewal sent again is saved once, whatever it did': async (on) => {
    for (const identity of [
      {},
      { principal: 'alice' },
      { keep: [], parts: { a: { base: null, payload: '2' } }, lifetime: on.longLifetime },
    ]) {
      const { access } = await on.begin({ a: '1', b: '1' }, { principal: 'bob' });
      const to = on.otherIdOf(access);
      const change = on.renewal(access, to, identity);
      const { stamp } = await on.saved(change);
      const before = await on.found(to);
      for (const server of await on.servers()) assert.equal((await on.saved(change, server)).stamp, stamp);
      assert.deepEqual(await on.found(to), before);
    }
  },

  '[I6] [S5] a change is recognised by its write id after its id was replaced': async (on) => {
    const access = on.newAccess();
    const creation = on.creation(access, { a: '0' });
    const { stamp: created } = await on.saved(creation);
    const update = on.update(access, { a: { base: created, payload: '1' } });
    const { stamp: updated } = await on.saved(update);
    const renewal = on.renewal(access, on.otherIdOf(access));
    const { stamp: renewed } = await on.saved(renewal);
    let last = await on.renew({ key: access.key, logins: 0 });
    for (let n = 0; n < 2; n++) {
      last = await on.renew(last.access);
      await on.saved(on.update(last.access, {}));
    }
    const before = await on.found(last.access);
    for (const [change, stamp] of [
      [creation, created],
      [update, updated],
      [renewal, renewed],
    ] as const) {
      assert.equal((await on.saved(change)).stamp, stamp);
    }
    assert.deepEqual(await on.found(last.access), before);
    // A new change with that id is not.
    assert.deepEqual(await on.store.save(on.update(access, {})), { outcome: 'superseded' });
  },

  '[I6] a renewal sent 20 times at once is applied once': async (on) => {
    const { access } = await on.begin({ a: '0' });
    const servers = await on.servers();
    const to = on.otherIdOf(access);
    const change = on.renewal(access, to);
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => on.saved(change, servers[(i % 2) as 0 | 1])),
    );
    for (const { stamp } of results) assert.equal(stamp, `2.${change.writeId}`);
    const { generation, stamp } = await on.found(to);
    assert.deepEqual([generation, stamp], [1, `2.${change.writeId}`]);
  },

  '[I8] a renewal is accepted by a store that is full': async (on) => {
    const store = await on.small();
    if (!store) return;
    const access = on.newAccess();
    const login = { principal: 'bob' };
    let { stamp } = await on.saved(on.creation(access, { a: '1' }, login), store);
    await store.load(access, { touchAfterMs: 0 });
    // A store may give up the sessions of those who are not logged in or did not come back, or refuse these only.
    const anonymous = (): Promise<unknown> => on.saved(on.creation(on.newAccess(), { a: KILOBYTE }), store);
    const users = async (): Promise<unknown> => {
      const user = on.newAccess();
      await on.saved(on.creation(user, { a: KILOBYTE }, login), store);
      return store.load(user, { touchAfterMs: 0 });
    };
    const isFull = (await isRefused(anonymous)) || (await isRefused(users));
    assert(isFull, 'the store of createSmall was not full after 2,000 saves of 1 kB');
    await isRefused(async (n) => {
      const change = on.update(access, { a: { base: stamp, payload: KILOBYTE.repeat(n) } });
      ({ stamp } = await on.saved(change, store));
    }, 50);
    const parts = { b: { base: null, payload: KILOBYTE.repeat(2) } };
    const renewed = await on.renew(access, { parts, principal: 'alice' }, store);
    assert.equal((await on.found(renewed.access, {}, store)).parts.size, 2);
  },
};

const KILOBYTE = 'x'.repeat(1_000);

/** Saves until the store fails, or until it has accepted `most` saves. */
async function isRefused(save: (n: number) => Promise<unknown>, most = 1_000): Promise<boolean> {
  for (let n = 1; n <= most; n++) {
    try {
      await save(n);
    } catch {
      return true;
    }
  }
  return false;
}
