import assert from 'node:assert/strict';
import type { ContractRules } from '../store-under-test.js';

export const destroyRules: ContractRules = {
  '[D1] a destroyed session is not there any more, others are': async (on) => {
    const { access, stamp } = await on.begin();
    const other = await on.begin();
    assert.deepEqual(await on.store.destroy(access), { outcome: 'ended' });
    await on.assertNone(access);
    assert.deepEqual(await on.store.load(access, { known: stamp, touchAfterMs: 0 }), { outcome: 'none' });
    await on.found(other.access);
  },

  '[D1] destroying a session that is not there is no error, and not a destruction': async (on) => {
    const { access } = await on.begin();
    assert.deepEqual(await on.store.destroy(on.newAccess()), { outcome: 'none' });
    assert.deepEqual(await on.store.destroy(access), { outcome: 'ended' });
    assert.deepEqual(await on.store.destroy(access), { outcome: 'none' });
  },

  '[D2] no save and no touch brings a destroyed session back': async (on) => {
    const { access, stamp } = await on.begin({ a: '1' });
    await on.store.destroy(access);
    const attempts = [
      on.update(access, { a: { base: stamp, payload: '2' } }),
      on.update(access, { a: { base: null, payload: '2' } }, on.lifetime),
      on.update(access, {}),
      on.renewal(access, on.otherIdOf(access), { principal: 'alice', keep: [] }),
      on.creation(access, { a: '1' }),
    ];
    for (const change of attempts) assert.deepEqual(await on.store.save(change), { outcome: 'gone' });
    assert.deepEqual(await on.store.touch(access), { outcome: 'none' });
    await on.assertNone(access);
  },

  '[D2] [I10] a key that has ended is not created again, under any id': async (on) => {
    const { access } = await on.begin();
    const renewed = await on.renew(access);
    await on.store.destroy(renewed.access);
    for (const id of [access, renewed.access, on.otherIdOf(access)]) {
      assert.deepEqual(await on.store.save(on.creation(id, { a: '1' })), { outcome: 'gone' });
      await on.assertNone(id);
    }
  },

  '[D2] [I10] a creation that arrives after the end is gone, whatever the caller of the end knew': async (on) => {
    for (const server of await on.servers()) {
      const access = on.newAccess();
      for (const known of [access, on.otherIdOf(access), { key: access.key, logins: 0 }]) {
        const late = { ...known, key: on.newAccess().key };
        assert.deepEqual(await server.destroy(late), { outcome: 'none' });
        const creation = on.creation({ key: late.key, proof: access.proof }, { a: '1' });
        assert.deepEqual(await on.store.save(creation), { outcome: 'gone' });
        await on.assertNone(late);
      }
    }
  },
};
