import assert from 'node:assert/strict';
import type { ContractRules } from '../store-under-test.js';

export const touchRules: ContractRules = {
  '[T1] a touch moves the end of life and nothing else': async (on) => {
    const { access } = await on.beginJoined();
    const before = await on.found(access);
    await on.pass(2);
    assert.deepEqual(await on.store.touch(access), { outcome: 'touched' });
    const after = await on.found(access);
    const { lastAccessedAt, expiresAt } = after;
    assert.ok(lastAccessedAt >= before.lastAccessedAt + on.units(2));
    assert.equal(expiresAt, lastAccessedAt + on.lifetime.idleTimeoutMs);
    assert.deepEqual(after, { ...before, lastAccessedAt, expiresAt });
  },

  '[T1] the client has not joined by a touch': async (on) => {
    const { access } = await on.begin();
    await on.pass(2);
    assert.deepEqual(await on.store.touch(access), { outcome: 'touched' });
    const { joined, confirmed, lastAccessedAt, expiresAt } = await on.found(access);
    assert.deepEqual([joined, confirmed], [false, false]);
    assert.equal(expiresAt, lastAccessedAt + on.lifetime.unjoinedTimeoutMs);
  },

  '[T1] a touch does not move the end of life past the absolute end': async (on) => {
    const lifetime = { ...on.lifetime, absoluteTimeoutMs: on.units(3) };
    const { access } = await on.begin({}, { lifetime });
    await on.pass(1);
    await on.store.touch(access);
    const { createdAt, expiresAt } = await on.found(access);
    assert.equal(expiresAt, createdAt + on.units(3));
  },

  '[T1] a change made before a touch is saved after it': async (on) => {
    const { access, stamp } = await on.begin({ a: '1' });
    await on.store.touch(access);
    await on.saved(on.update(access, { a: { base: stamp, payload: '2' } }));
  },

  '[T2] a touch of a session that is not there creates nothing': async (on) => {
    const ended = await on.begin();
    await on.store.destroy(ended.access);
    for (const access of [on.newAccess(), ended.access]) {
      assert.deepEqual(await on.store.touch(access), { outcome: 'none' });
      await on.assertNone(access);
    }
  },
};
