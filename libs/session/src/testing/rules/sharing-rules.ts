import assert from 'node:assert/strict';
import type { ContractRules } from '../store-under-test.js';

export const sharingRules: ContractRules = {
  '[shared] the store of another server sees the session, exactly when shared is declared': async (on) => {
    const { key, stamp } = await on.begin({ a: '1' });
    const other = await on.open();
    assert.equal(other.capabilities.shared, on.store.capabilities.shared);
    const seen = await other.load(key);
    if (!on.store.capabilities.shared) {
      assert.equal(seen.outcome, 'none');
      return;
    }
    assert(seen.outcome === 'found', `expected the session to be found, the answer was ${seen.outcome}`);
    assert.deepEqual(seen.record, await on.found(key));
    const { stamp: newer } = await on.saved(on.update(key, { a: { base: stamp, payload: '2' } }), other);
    assert.equal((await on.found(key, { known: stamp })).stamp, newer);
    assert.equal((await on.store.save(on.update(key, { a: { base: stamp, payload: '3' } }))).outcome, 'conflict');
  },

  '[shared] what one server ended is ended for the other, exactly when shared is declared': async (on) => {
    const { key } = await on.begin();
    const other = await on.open();
    const { shared } = on.store.capabilities;
    assert.equal(await other.destroy(key), shared);
    assert.equal((await on.store.save(on.update(key, {}))).outcome, shared ? 'gone' : 'saved');
    assert.equal(await on.store.touch(key), !shared);
    assert.equal((await on.store.load(key)).outcome, shared ? 'none' : 'found');
  },
};
