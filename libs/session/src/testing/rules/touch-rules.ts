import assert from 'node:assert/strict';
import type { ContractRules } from '../store-under-test.js';

export const touchRules: ContractRules = {
  '[T1] a touch moves the end of life and nothing else': async (on) => {
    const { key } = await on.beginJoined();
    const before = await on.found(key);
    await on.pass(2);
    assert.equal(await on.store.touch(key), true);
    const after = await on.found(key);
    const { lastAccessedAt, expiresAt } = after;
    assert.ok(lastAccessedAt >= before.lastAccessedAt + on.units(2));
    assert.equal(expiresAt, lastAccessedAt + on.lifetime.idleTimeoutMs);
    assert.deepEqual(after, { ...before, lastAccessedAt, expiresAt });
  },

  '[T1] the client has not joined by a touch': async (on) => {
    const { key } = await on.begin();
    await on.pass(2);
    assert.equal(await on.store.touch(key), true);
    const { joined, lastAccessedAt, expiresAt } = await on.found(key);
    assert.deepEqual([joined, expiresAt], [false, lastAccessedAt + on.lifetime.unjoinedTimeoutMs]);
  },

  '[T1] a touch does not move the end of life past the absolute end': async (on) => {
    const { key } = await on.begin({}, { ...on.lifetime, absoluteTimeoutMs: on.units(3) });
    await on.pass(1);
    await on.store.touch(key);
    const { createdAt, expiresAt } = await on.found(key);
    assert.equal(expiresAt, createdAt + on.units(3));
  },

  '[T1] a change made before a touch is saved after it': async (on) => {
    const { key, stamp } = await on.begin({ a: '1' });
    await on.store.touch(key);
    await on.saved(on.update(key, { a: { base: stamp, payload: '2' } }));
  },

  '[T2] a touch of a session that is not there creates nothing': async (on) => {
    const ended = await on.begin();
    await on.store.destroy(ended.key);
    for (const key of [on.newKey(), ended.key]) {
      assert.equal(await on.store.touch(key), false);
      await on.assertNone(key);
    }
  },
};
