import assert from 'node:assert/strict';
import type { SessionStore } from '../../store/session-store.js';
import type { ContractRules } from '../store-under-test.js';

type LockingStore = SessionStore & Required<Pick<SessionStore, 'lock' | 'unlock'>>;

function locking(store: SessionStore): LockingStore | undefined {
  assert.equal(
    store.lock !== undefined,
    store.capabilities.locks === true,
    '[K] lock() is there exactly when locks is declared',
  );
  assert.equal(
    store.unlock !== undefined,
    store.capabilities.locks === true,
    '[K] unlock() is there exactly when locks is declared',
  );
  return store.capabilities.locks ? (store as LockingStore) : undefined;
}

export const lockRules: ContractRules = {
  '[K1] at most one token holds the lock, on all servers': async (on) => {
    const [store, other] = (await on.servers()).map(locking);
    if (!store || !other) return;
    const { key } = await on.begin();
    assert.equal(await store.lock(key, 'one', on.units(50)), true);
    for (const server of [store, other]) assert.equal(await server.lock(key, 'two', on.units(50)), false);
    const results = await Promise.all([1, 2, 3, 4].map((n) => store.lock(on.newKey(), `token${n}`, on.units(50))));
    assert.deepEqual(results, [true, true, true, true]);
  },

  '[K2] [K3] a call of the holder keeps the lock; a lock that is not kept is free after leaseMs': async (on) => {
    const store = locking(on.store);
    if (!store) return;
    const { key } = await on.begin();
    assert.equal(await store.lock(key, 'one', on.units(3)), true);
    await on.pass(2);
    assert.equal(await store.lock(key, 'one', on.units(3)), true);
    await on.pass(2);
    assert.equal(await store.lock(key, 'two', on.units(3)), false);
    await on.pass(2);
    assert.equal(await store.lock(key, 'two', on.units(3)), true);
  },

  '[K4] [K5] a save under a lock that is not held changes nothing; a save under none is not held up': async (on) => {
    const store = locking(on.store);
    if (!store) return;
    const { key, stamp } = await on.begin({ a: '1' });
    const change = { ...on.update(key, { a: { base: stamp, payload: '2' } }), lock: 'one' };
    assert.deepEqual(await store.save(change), { outcome: 'unlocked' });
    await store.lock(key, 'two', on.units(50));
    assert.deepEqual(await store.save(change), { outcome: 'unlocked' });
    assert.equal((await on.found(key)).stamp, stamp);
    const { stamp: newer } = await on.saved(on.update(key, { a: { base: stamp, payload: '3' } }));
    await on.saved({ ...on.update(key, { a: { base: newer, payload: '4' } }), lock: 'two' });
  },

  '[K6] a lock that was given back is free; only its holder can give it back': async (on) => {
    const store = locking(on.store);
    if (!store) return;
    const { key } = await on.begin();
    await store.lock(key, 'one', on.units(50));
    await store.unlock(key, 'two');
    assert.equal(await store.lock(key, 'two', on.units(50)), false);
    await store.unlock(key, 'one');
    assert.equal(await store.lock(key, 'two', on.units(50)), true);
  },
};
