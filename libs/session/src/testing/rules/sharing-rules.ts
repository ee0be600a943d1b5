import assert from 'node:assert/strict';
import type { ContractRules } from '../store-under-test.js';

export const sharingRules: ContractRules = {
  '[shared] the store of another server sees the session, exactly when shared is declared': async (on) => {
    const { access, stamp } = await on.begin({ a: '1' });
    const other = await on.open();
    assert.equal(other.shared, on.store.shared);
    const seen = await other.load(access);
    if (!on.store.shared) {
      assert.equal(seen.outcome, 'none');
      return;
    }
    assert(seen.outcome === 'found', `expected the session to be found, the answer was ${seen.outcome}`);
    assert.deepEqual(seen.record, await on.found(access));
    const { stamp: newer } = await on.saved(on.update(access, { a: { base: stamp, payload: '2' } }), other);
    assert.equal((await on.found(access, { known: stamp })).stamp, newer);
    assert.equal((await on.store.save(on.update(access, { a: { base: stamp, payload: '3' } }))).outcome, 'conflict');
  },

  '[shared] what one server ended is ended for the other, exactly when shared is declared': async (on) => {
    const { access } = await on.begin();
    const other = await on.open();
    const { shared } = on.store;
    assert.deepEqual(await other.destroy(access), { outcome: shared ? 'ended' : 'none' });
    assert.equal((await on.store.save(on.update(access, {}))).outcome, shared ? 'gone' : 'saved');
    assert.deepEqual(await on.store.touch(access), { outcome: shared ? 'none' : 'touched' });
    assert.equal((await on.store.load(access)).outcome, shared ? 'none' : 'found');
  },
};
