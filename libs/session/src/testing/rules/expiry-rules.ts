import assert from 'node:assert/strict';
import type { ContractRules } from '../store-under-test.js';

export const expiryRules: ContractRules = {
  '[L2] a session whose client never came back ends after unjoinedTimeoutMs': async (on) => {
    const { key, stamp } = await on.begin();
    await on.pass(2);
    await on.found(key);
    await on.pass(3);
    await on.assertNone(key);
    assert.deepEqual(await on.store.load(key, { known: stamp, touchAfterMs: 0 }), { outcome: 'none' });
  },

  '[L2] a session that is not used ends after idleTimeoutMs': async (on) => {
    const { key } = await on.beginJoined();
    await on.pass(7);
    await on.found(key);
    await on.pass(4);
    await on.assertNone(key);
  },

  '[L2] a session that is used lives longer than idleTimeoutMs': async (on) => {
    const [byLoad, bySave, byTouch] = await Promise.all([on.beginJoined(), on.beginJoined(), on.beginJoined()]);
    for (let i = 0; i < 3; i++) {
      await on.pass(5);
      await on.found(byLoad.key, { touchAfterMs: 0 });
      await on.saved(on.update(bySave.key, {}));
      assert.equal(await on.store.touch(byTouch.key), true);
    }
    await on.pass(11);
    for (const { key } of [byLoad, bySave, byTouch]) await on.assertNone(key);
  },

  '[L2] a session that is used all the time ends after absoluteTimeoutMs': async (on) => {
    const lifetime = { ...on.lifetime, absoluteTimeoutMs: on.units(9) };
    const { key } = await on.begin({}, lifetime);
    for (const units of [2, 2, 2]) {
      await on.pass(units);
      await on.found(key, { touchAfterMs: 0 });
      await on.saved(on.update(key, {}));
      assert.equal(await on.store.touch(key), true);
    }
    await on.pass(4);
    await on.assertNone(key);
  },

  '[L2] each session ends at its own time': async (on) => {
    const short = await on.begin({}, { ...on.lifetime, unjoinedTimeoutMs: on.units(2) });
    const long = await on.begin({}, { ...on.lifetime, unjoinedTimeoutMs: on.units(8) });
    await on.pass(4);
    await on.assertNone(short.key);
    await on.found(long.key);
  },

  '[S2] [T2] an expired session is not brought back': async (on) => {
    const { key, stamp } = await on.begin();
    await on.pass(5);
    assert.deepEqual(await on.store.save(on.update(key, { a: { base: stamp, payload: '2' } })), { outcome: 'gone' });
    assert.equal(await on.store.touch(key), false);
    assert.equal(await on.store.destroy(key), false);
    await on.assertNone(key);
  },
};
