import assert from 'node:assert/strict';
import type { ClientAccess } from '../../store/session-id.js';
import type { ContractRules } from '../store-under-test.js';

export const supersedeRules: ContractRules = {
  '[I15] an id whose session is over is superseded for every call and every server, and its session stays over': async (
    on,
  ) => {
    const [store, other] = await on.servers();
    const [ended, expired, never] = [await on.begin(), await on.begin(), on.newAccess()];
    await store.destroy(ended.access);
    await on.pass(5);
    for (const access of [ended.access, expired.access, never]) {
      await on.assertNone(access);
      await store.supersede(access);
      for (const server of [store, other]) {
        assert.deepEqual(await server.load(access), { outcome: 'superseded' });
        assert.deepEqual(await server.load(access, { known: '1.x', touchAfterMs: 0 }), { outcome: 'superseded' });
        assert.deepEqual(await server.touch(access), { outcome: 'superseded' });
        if (server.locks) {
          const lock = { token: 'one', leaseMs: on.units(1) };
          assert.deepEqual(await server.locks.acquire(access, lock), { outcome: 'superseded' });
        }
        for (const change of [on.update(access, {}), on.renewal(access, on.otherIdOf(access))]) {
          const { outcome } = await server.save(change);
          assert(['superseded', 'gone'].includes(outcome), `the answer to a save was ${outcome}`);
        }
        assert.deepEqual(await server.load(on.otherIdOf(access)), { outcome: 'none' });
        assert.deepEqual(await server.load({ key: access.key, logins: 0 }), { outcome: 'none' });
      }
    }
  },

  '[I15] where there is a session, nothing changes': async (on) => {
    const { access } = await on.beginJoined();
    const before = await on.found(access);
    await on.pass(1);
    for (const server of await on.servers()) {
      await server.supersede(access);
      await server.supersede(on.otherIdOf(access));
      assert.deepEqual(await on.found(access), before);
    }
    await on.store.destroy(access);
    await on.assertNone(access);
  },

  '[I15] [D2] an ended key stays ended': async (on) => {
    const [begun, late] = [await on.begin(), on.newAccess()];
    await on.store.destroy(begun.access);
    await on.store.supersede(begun.access);
    await on.store.supersede(late);
    assert.deepEqual(await on.store.destroy(late), { outcome: 'superseded' });
    for (const access of [begun.access, late]) {
      assert.deepEqual(await on.store.save(on.creation(access, {})), { outcome: 'gone' });
      await on.assertSuperseded(access);
    }
  },

  '[I15] an id whose session is over is superseded for one minute, and for two at most': async (on) => {
    if (!on.hasMinutes) return;
    const minute = 60_000 / on.units(1);
    const accesses = [on.newAccess(), on.newAccess(), on.newAccess()];
    for (const access of accesses) {
      await on.store.supersede(access);
      await on.pass(0.4 * minute);
    }
    const [first, second, third] = accesses as [ClientAccess, ClientAccess, ClientAccess];
    await on.assertSuperseded(second);
    await on.pass(0.55 * minute);
    await on.assertSuperseded(third);
    await on.pass(0.3 * minute);
    await on.assertNone(first);
    await on.pass(minute);
    for (const access of accesses) await on.assertNone(access);
  },
};
