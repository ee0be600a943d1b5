import assert from 'node:assert/strict';
import type { ContractRules } from '../store-under-test.js';

export const destroyRules: ContractRules = {
  '[D1] a destroyed session is not there any more, others are': async (on) => {
    const { key, stamp } = await on.begin();
    const other = await on.begin();
    assert.equal(await on.store.destroy(key), true);
    await on.assertNone(key);
    assert.deepEqual(await on.store.load(key, { known: stamp, touchAfterMs: 0 }), { outcome: 'none' });
    await on.found(other.key);
  },

  '[D1] destroying a session that is not there is no error, and not a destruction': async (on) => {
    const { key, stamp } = await on.begin();
    assert.equal(await on.store.destroy(on.newKey()), false);
    assert.equal(await on.store.destroy(on.newKey(), '1.x'), false);
    assert.equal(await on.store.destroy(key), true);
    for (const ifStamp of [undefined, stamp]) assert.equal(await on.store.destroy(key, ifStamp), false);
  },

  '[D2] no save and no touch brings a destroyed session back': async (on) => {
    const { key, stamp } = await on.begin({ a: '1' });
    await on.store.destroy(key);
    const attempts = [
      on.update(key, { a: { base: stamp, payload: '2' } }),
      on.update(key, { a: { base: null, payload: '2' } }, on.lifetime),
      on.update(key, {}),
      on.creation(key, { a: '1' }),
    ];
    for (const change of attempts) assert.deepEqual(await on.store.save(change), { outcome: 'gone' });
    assert.equal(await on.store.touch(key), false);
    await on.assertNone(key);
  },

  '[D2] a creation that arrives after the session was destroyed is gone': async (on) => {
    const key = on.newKey();
    await on.store.destroy(key);
    assert.deepEqual(await on.store.save(on.creation(key, { a: '1' })), { outcome: 'gone' });
    await on.assertNone(key);
  },

  '[D3] with another stamp nothing is destroyed': async (on) => {
    const { key, stamp } = await on.begin({ a: '1' });
    await on.saved(on.update(key, { a: { base: stamp, payload: '2' } }));
    const before = await on.found(key);
    for (const ifStamp of [stamp, '2', '2.x', '', `${before.stamp}x`]) {
      assert.equal(await on.store.destroy(key, ifStamp), false, `ifStamp '${ifStamp}'`);
    }
    assert.deepEqual(await on.found(key), before);
  },

  '[D4] a load tells that a session was renewed, and only that': async (on) => {
    const renewed = await on.begin();
    assert.equal(await on.store.destroy(renewed.key, renewed.stamp), true);
    for (const store of await on.servers()) {
      assert.deepEqual(await store.load(renewed.key, { touchAfterMs: 0 }), { outcome: 'none', renewed: true });
    }
    const { key } = await on.begin();
    await on.store.destroy(key);
    await on.assertNone(key);
    await on.assertNone(on.newKey());
  },

  '[D3] with the stored stamp the session is destroyed, for good': async (on) => {
    const { key, stamp } = await on.begin();
    await on.store.touch(key);
    assert.equal(await on.store.destroy(key, stamp), true);
    assert.deepEqual(await on.store.save(on.creation(key, {})), { outcome: 'gone' });
    assert.equal((await on.store.load(key)).outcome, 'none');
  },
};
