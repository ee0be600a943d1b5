import assert from 'node:assert/strict';
import type { SessionAccess } from '../../store/session-id.js';
import type { SessionStore, StoreLocks } from '../../store/session-store.js';
import type { ContractRules, StoreUnderTest } from '../store-under-test.js';

/** Tries to get the lock, and expects this outcome. */
type Acquire = (access: SessionAccess, token: string, units: number, expected: string) => Promise<void>;

/** A rule for stores with locks: `acquire` of each server. */
function rule(
  check: (on: StoreUnderTest, locks: StoreLocks, acquire: Acquire, acquireElsewhere: Acquire) => Promise<void>,
): (on: StoreUnderTest) => Promise<void> {
  return async (on) => {
    const [store, other] = await on.servers();
    assert.equal(other.locks !== undefined, store.locks !== undefined, '[K] all servers have locks, or none has');
    if (store.locks) await check(on, store.locks, acquireOn(on, store), acquireOn(on, other));
  };
}

function acquireOn(on: StoreUnderTest, { locks }: SessionStore): Acquire {
  return async (access, token, units, expected) =>
    assert.deepEqual(await locks?.acquire(access, { token, leaseMs: on.units(units) }), { outcome: expected });
}

export const lockRules: ContractRules = {
  '[K1] at most one token holds the lock, on all servers': rule(async (on, _locks, acquire, acquireElsewhere) => {
    const { access } = await on.begin();
    await acquire(access, 'one', 50, 'locked');
    await acquire(access, 'two', 50, 'held');
    await acquireElsewhere(access, 'two', 50, 'held');
    for (const n of [1, 2, 3, 4]) await acquire((await on.begin()).access, `token${n}`, 50, 'locked');
  }),

  '[K1] of 20 tokens at once one gets the lock': rule(async (on) => {
    const { access } = await on.begin();
    const servers = await on.servers();
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const lock = { token: `token${i}`, leaseMs: on.units(50) };
        return servers[(i % 2) as 0 | 1].locks?.acquire(access, lock);
      }),
    );
    const outcomes = results.map((result) => result?.outcome ?? 'none').toSorted();
    assert.deepEqual(outcomes, [...Array<string>(19).fill('held'), 'locked']);
  }),

  '[K2] [K3] a call of the holder keeps the lock; a lock that is not kept is free after leaseMs': rule(
    async (on, _locks, acquire) => {
      const { access } = await on.beginLasting();
      await acquire(access, 'one', 3, 'locked');
      await on.pass(2);
      await acquire(access, 'one', 3, 'locked');
      await on.pass(2);
      await acquire(access, 'two', 3, 'held');
      await on.pass(2);
      await acquire(access, 'two', 3, 'locked');
    },
  ),

  '[K4] [K5] a save under a lock that is not held changes nothing; a save under none is not held up': rule(
    async (on, _locks, acquire) => {
      const { access, stamp } = await on.begin({ a: '1' });
      const change = { ...on.update(access, { a: { base: stamp, payload: '2' } }), lock: 'one' };
      assert.deepEqual(await on.store.save(change), { outcome: 'unlocked' });
      await acquire(access, 'two', 50, 'locked');
      assert.deepEqual(await on.store.save(change), { outcome: 'unlocked' });
      assert.equal((await on.found(access)).stamp, stamp);
      const { stamp: newer } = await on.saved(on.update(access, { a: { base: stamp, payload: '3' } }));
      await on.saved({ ...on.update(access, { a: { base: newer, payload: '4' } }), lock: 'two' });
    },
  ),

  '[S5] [K4] a save that is sent again is saved, though its lock is free by now': rule(async (on, locks, acquire) => {
    const { access, stamp } = await on.begin({ a: '1' });
    await acquire(access, 'one', 50, 'locked');
    const change = { ...on.update(access, { a: { base: stamp, payload: '2' } }), lock: 'one' };
    const saved = await on.saved(change);
    await locks.release(access.key, { token: 'one' });
    assert.equal((await on.saved(change)).stamp, saved.stamp);
  }),

  '[K6] a lock that was given back is free; only its holder can give it back': rule(async (on, locks, acquire) => {
    const { access } = await on.begin();
    await acquire(access, 'one', 50, 'locked');
    await locks.release(access.key, { token: 'two' });
    await acquire(access, 'two', 50, 'held');
    await locks.release(access.key, { token: 'one' });
    await acquire(access, 'two', 50, 'locked');
  }),

  '[I1] [I5] a caller with a wrong or former id does not learn of the lock, and does not keep it': rule(
    async (on, _locks, acquire, acquireElsewhere) => {
      const former = await on.beginLasting();
      await acquire(former.access, 'one', 3, 'locked');
      await on.pass(2);
      const { access } = await on.renew(former.access);
      for (const acquireOnServer of [acquire, acquireElsewhere]) {
        for (const token of ['one', 'two']) {
          await acquireOnServer(on.otherIdOf(access), token, 50, 'none');
          await acquireOnServer({ key: access.key, logins: 1 }, token, 50, 'none');
          await acquireOnServer(former.access, token, 50, 'superseded');
        }
      }
      await on.pass(2);
      await acquire(access, 'two', 3, 'locked');
    },
  ),

  '[I3] [K4] a lock outlives a renewal, which may name it': rule(async (on, _locks, acquire) => {
    const { access } = await on.begin();
    await acquire(access, 'one', 50, 'locked');
    const to = on.otherIdOf(access);
    const renewal = on.renewal(access, to);
    assert.deepEqual(await on.store.save({ ...renewal, lock: 'two' }), { outcome: 'unlocked' });
    await on.assertNone(to);
    await on.saved({ ...renewal, lock: 'one' });
    await acquire(to, 'two', 50, 'held');
    await acquire(to, 'one', 50, 'locked');
    await on.saved({ ...on.update(to, {}), lock: 'one' });
  }),

  '[I1] there is no lock of a session that is not there': rule(async (on, _locks, acquire) => {
    const { access } = await on.begin();
    await acquire(access, 'one', 50, 'locked');
    await on.store.destroy(access);
    for (const each of [access, on.newAccess()]) await acquire(each, 'one', 50, 'none');
  }),
};
