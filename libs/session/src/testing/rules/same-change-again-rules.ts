import assert from 'node:assert/strict';
import type { ContractRules } from '../store-under-test.js';

/** A caller whose reply was lost cannot know whether its change was applied, and sends it again. */
export const sameChangeAgainRules: ContractRules = {
  '[S5] a creation sent again is saved once': async (on) => {
    const access = on.newAccess();
    const change = on.creation(access, { a: '1' });
    const first = await on.saved(change);
    const before = await on.found(access);
    const { stamp, times } = await on.saved(change);
    assert.equal(stamp, first.stamp);
    assert.equal(times.expiresAt, before.expiresAt);
    assert.deepEqual(await on.found(access), before);
  },

  '[S5] an update sent again is saved once, whatever it did': async (on) => {
    const { access, stamp } = await on.begin({ a: '1', b: '1' });
    const changes = [
      on.update(access, { a: { base: stamp, payload: '2' } }),
      on.update(access, { b: { base: stamp, payload: null } }),
      on.update(access, { c: { base: null, payload: '1' } }),
      on.update(access, {}),
      on.update(access, {}, { ...on.lifetime, idleTimeoutMs: on.units(20) }),
    ];
    for (const change of changes) {
      const first = await on.saved(change);
      const before = await on.found(access);
      assert.equal((await on.saved(change)).stamp, first.stamp);
      assert.deepEqual(await on.found(access), before);
    }
  },

  '[S5] a change is recognised after 7 other saves, with the stamp it got': async (on) => {
    const access = on.newAccess();
    const creation = on.creation(access, { a: '0' });
    const stamps = [(await on.saved(creation)).stamp];
    const update = on.update(access, { a: { base: stamps[0] ?? null, payload: '1' } });
    stamps.push((await on.saved(update)).stamp);
    for (let n = 2; n <= 8; n++) {
      // The part itself is overwritten: its version does not tell any more.
      if (n === 8) assert.equal((await on.saved(creation)).stamp, stamps[0]);
      const { stamp } = await on.saved(on.update(access, { a: { base: stamps.at(-1) ?? null, payload: `${n}` } }));
      stamps.push(stamp);
    }
    const before = await on.found(access);
    assert.equal((await on.saved(update)).stamp, stamps[1]);
    assert.deepEqual(await on.found(access), before);
  },

  '[S5] a change that met a conflict was not applied, and may be sent again': async (on) => {
    const { access, stamp } = await on.begin({ a: '1', b: '1' });
    const other = await on.saved(on.update(access, { a: { base: stamp, payload: null } }));
    const change = on.update(access, { a: { base: null, payload: '2' }, c: { base: other.stamp, payload: '1' } });
    assert.equal((await on.store.save(change)).outcome, 'conflict');
    assert.equal((await on.store.save(change)).outcome, 'conflict');
    await on.saved({ ...change, parts: new Map([['a', { base: null, payload: '2' }]]) });
  },

  '[S5] [D2] a change sent again after the session ended is gone': async (on) => {
    const access = on.newAccess();
    const creation = on.creation(access, { a: '1' });
    const { stamp } = await on.saved(creation);
    const update = on.update(access, { a: { base: stamp, payload: '2' } });
    await on.saved(update);
    await on.store.destroy(access);
    for (const change of [creation, update]) assert.deepEqual(await on.store.save(change), { outcome: 'gone' });
    await on.assertNone(access);
  },
};
