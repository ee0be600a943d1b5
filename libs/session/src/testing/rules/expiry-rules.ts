import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { ExpiredSession } from '../../store/session-store.js';
import type { ContractRules } from '../store-under-test.js';

export const expiryRules: ContractRules = {
  '[L2] a session whose client never came back ends after unjoinedTimeoutMs': async (on) => {
    const { access, stamp } = await on.begin();
    await on.pass(2);
    await on.found(access);
    await on.pass(3);
    await on.assertNone(access);
    assert.deepEqual(await on.store.load(access, { known: stamp, touchAfterMs: 0 }), { outcome: 'none' });
  },

  '[L2] a session that is not used ends after idleTimeoutMs': async (on) => {
    const { access } = await on.beginJoined();
    await on.pass(7);
    await on.found(access);
    await on.pass(4);
    await on.assertNone(access);
  },

  '[L2] a session that is used lives longer than idleTimeoutMs': async (on) => {
    const [byLoad, bySave, byTouch] = await Promise.all([on.beginJoined(), on.beginJoined(), on.beginJoined()]);
    for (let i = 0; i < 3; i++) {
      await on.pass(5);
      await on.found(byLoad.access, { touchAfterMs: 0 });
      await on.saved(on.update(bySave.access, {}));
      assert.deepEqual(await on.store.touch(byTouch.access), { outcome: 'touched' });
    }
    await on.pass(11);
    for (const { access } of [byLoad, bySave, byTouch]) await on.assertNone(access);
  },

  '[L2] a session that is used all the time ends after absoluteTimeoutMs': async (on) => {
    const lifetime = { ...on.lifetime, absoluteTimeoutMs: on.units(9) };
    const { access } = await on.begin({}, { lifetime });
    for (const units of [2, 2, 2]) {
      await on.pass(units);
      await on.found(access, { touchAfterMs: 0 });
      await on.saved(on.update(access, {}));
      assert.deepEqual(await on.store.touch(access), { outcome: 'touched' });
    }
    await on.pass(4);
    await on.assertNone(access);
  },

  '[L2] each session ends at its own time': async (on) => {
    const short = await on.begin({}, { lifetime: { ...on.lifetime, unjoinedTimeoutMs: on.units(2) } });
    const long = await on.begin({}, { lifetime: { ...on.lifetime, unjoinedTimeoutMs: on.units(8) } });
    await on.pass(4);
    await on.assertNone(short.access);
    await on.found(long.access);
  },

  '[X1] a session that expires is told once, with its last state, and one that was ended is not': async (on) => {
    const { expiries } = on.store;
    if (!expiries) return;
    const told: ExpiredSession[] = [];
    const stop = expiries.subscribe((expired) => void told.push(expired));
    const [expiring, ended] = [await on.begin({ a: '1' }), await on.begin()];
    await on.saved(on.update(expiring.access, { a: { base: expiring.stamp, payload: '2' } }));
    assert.deepEqual(await on.store.destroy(ended.access), { outcome: 'ended' });
    await on.pass(5);
    await on.assertNone(expiring.access);
    await on.assertNone(ended.access);
    // It may come later than the answers.
    for (let i = 0; i < 100 && told.length === 0; i++) await setImmediate();
    await on.pass(1);
    await on.assertNone(expiring.access);
    await setImmediate();
    assert.deepEqual(
      told.map(({ key, record }) => [key, record.parts.get('a')?.payload]),
      [[expiring.access.key, '2']],
    );
    stop();
    await on.begin();
    await on.pass(5);
    await on.assertNone(expiring.access);
    await setImmediate();
    assert.equal(told.length, 1, 'expiries are told after the subscription has ended');
  },

  '[S2] [T2] an expired session is not brought back': async (on) => {
    const { access, stamp } = await on.begin();
    await on.pass(5);
    assert.deepEqual(await on.store.save(on.update(access, { a: { base: stamp, payload: '2' } })), { outcome: 'gone' });
    assert.deepEqual(await on.store.touch(access), { outcome: 'none' });
    assert.deepEqual(await on.store.destroy(access), { outcome: 'none' });
    await on.assertNone(access);
  },
};
