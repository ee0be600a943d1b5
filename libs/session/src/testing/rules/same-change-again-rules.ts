import assert from 'node:assert/strict';
import type { ContractRules } from '../store-under-test.js';

/** A caller whose reply was lost cannot know whether its change was applied, and sends it again. */
export const sameChangeAgainRules: ContractRules = {
  '[S5] a creation sent again is saved once': async (on) => {
    const change = on.creation(on.newKey(), { a: '1' });
    const first = await on.saved(change);
    const before = await on.found(change.key);
    const { stamp, times } = await on.saved(change);
    assert.equal(stamp, first.stamp);
    assert.equal(times.expiresAt, before.expiresAt);
    assert.deepEqual(await on.found(change.key), before);
  },

  '[S5] an update sent again is saved once, whatever it did': async (on) => {
    const { key, stamp } = await on.begin({ a: '1', b: '1' });
    const changes = [
      on.update(key, { a: { base: stamp, payload: '2' } }),
      on.update(key, { b: { base: stamp, payload: null } }),
      on.update(key, { c: { base: null, payload: '1' } }),
      on.update(key, {}),
      on.update(key, {}, { ...on.lifetime, idleTimeoutMs: on.units(20) }),
    ];
    for (const change of changes) {
      const first = await on.saved(change);
      const before = await on.found(key);
      assert.equal((await on.saved(change)).stamp, first.stamp);
      assert.deepEqual(await on.found(key), before);
    }
  },

  '[S5] a change is recognised after 7 other saves, with the stamp it got': async (on) => {
    const creation = on.creation(on.newKey(), { a: '0' });
    const stamps = [(await on.saved(creation)).stamp];
    const update = on.update(creation.key, { a: { base: stamps[0] ?? null, payload: '1' } });
    stamps.push((await on.saved(update)).stamp);
    for (let n = 2; n <= 8; n++) {
      // The part itself is overwritten: its version does not tell any more.
      if (n === 8) assert.equal((await on.saved(creation)).stamp, stamps[0]);
      const { stamp } = await on.saved(
        on.update(creation.key, { a: { base: stamps.at(-1) ?? null, payload: `${n}` } }),
      );
      stamps.push(stamp);
    }
    const before = await on.found(creation.key);
    assert.equal((await on.saved(update)).stamp, stamps[1]);
    assert.deepEqual(await on.found(creation.key), before);
  },

  '[S5] a change that met a conflict was not applied, and may be sent again': async (on) => {
    const { key, stamp } = await on.begin({ a: '1', b: '1' });
    const other = await on.saved(on.update(key, { a: { base: stamp, payload: null } }));
    const change = on.update(key, { a: { base: null, payload: '2' }, c: { base: other.stamp, payload: '1' } });
    assert.equal((await on.store.save(change)).outcome, 'conflict');
    assert.equal((await on.store.save(change)).outcome, 'conflict');
    await on.saved({ ...change, parts: new Map([['a', { base: null, payload: '2' }]]) });
  },

  '[S5] [D2] a change sent again after the session ended is gone': async (on) => {
    const creation = on.creation(on.newKey(), { a: '1' });
    const { stamp } = await on.saved(creation);
    const update = on.update(creation.key, { a: { base: stamp, payload: '2' } });
    await on.saved(update);
    await on.store.destroy(creation.key);
    for (const change of [creation, update]) assert.deepEqual(await on.store.save(change), { outcome: 'gone' });
    await on.assertNone(creation.key);
  },
};
