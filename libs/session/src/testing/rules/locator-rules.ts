import assert from 'node:assert/strict';
import type { SessionLocation } from '../../store/session-store.js';
import type { ContractRules, StoreUnderTest } from '../store-under-test.js';

const LOCATOR = /^(?:[A-Za-z0-9]{1,32}|-)(?:\.[A-Za-z0-9_-]{1,64}){0,3}$/;

/** The locator of an answer, which has one exactly when the store declares `locates`. */
function locatorOf(on: StoreUnderTest, answer: object): string | undefined {
  const { locator } = answer as SessionLocation;
  const isDeclared = on.store.locates === true;
  assert.equal(locator !== undefined, isDeclared, '[P2] answers carry a locator exactly when locates is declared');
  if (locator !== undefined) assert.match(locator, LOCATOR);
  return locator;
}

export const locatorRules: ContractRules = {
  '[P2] every answer that tells of a session says where it is, exactly when locates is declared': async (on) => {
    const { access, stamp } = await on.begin({ a: '1' });
    const answers = [
      await on.saved(on.creation(on.newAccess(), {})),
      await on.store.load(access),
      await on.store.load(access, { known: stamp }),
      await on.store.save(on.update(access, { a: { base: null, payload: '2' } })),
      await on.saved(on.update(access, { a: { base: stamp, payload: '2' } })),
      await on.saved(on.renewal(access, on.otherIdOf(access))),
    ];
    for (const answer of answers) locatorOf(on, answer);
  },

  '[P1] a session is found with its locator, on any server': async (on) => {
    const { access, stamp } = await on.begin({ a: '1' });
    for (const server of await on.servers()) {
      const locator = locatorOf(on, await on.store.load(access));
      const found = await server.load(access, { locator });
      assert(found.outcome === 'found', `expected the session to be found, the answer was ${found.outcome}`);
      assert.equal(found.record.stamp, stamp);
    }
  },

  '[P3] a change is applied with the locator of what it was made from, on any server': async (on) => {
    const { access } = await on.begin({ a: '0' });
    let count = 0;
    for (const server of await on.servers()) {
      const loaded = await on.store.load(access);
      assert(loaded.outcome === 'found', `expected the session to be found, the answer was ${loaded.outcome}`);
      const base = loaded.record.parts.get('a')?.version ?? null;
      const change = { ...on.update(access, { a: { base, payload: `${++count}` } }), locator: locatorOf(on, loaded) };
      const saved = await server.save(change);
      assert.equal(saved.outcome, 'saved');
      locatorOf(on, saved);
      assert.equal((await on.found(access)).parts.get('a')?.payload, `${count}`);
    }
  },

  '[P3] a text that is no locator of the store counts as none for a change': async (on) => {
    const { access, stamp } = await on.begin({ a: '1' });
    const change = { ...on.update(access, { a: { base: stamp, payload: '2' } }), locator: 's1.s2.zzzzzzzzzz.forged' };
    assert.equal((await on.saved(change)).outcome, 'saved');
    const late = { ...on.update(on.newAccess(), { a: { base: null, payload: '1' } }), locator: 's1.s2.1.forged' };
    assert.equal((await on.store.save(late)).outcome, 'gone');
  },

  '[P1] a text that is no locator of the store counts as none for a load': async (on) => {
    const { access, stamp } = await on.begin({ a: '1' });
    const other = locatorOf(on, await on.saved(on.creation(on.newAccess(), {})));
    for (const locator of [
      '',
      'x',
      '..',
      '-',
      's1.s2.zzzzzzzzzz.forged',
      'a'.repeat(1_000),
      '\u0000',
      ...(other ? [other] : []),
    ]) {
      assert.equal((await on.found(access, { locator })).stamp, stamp);
    }
    await on.assertNone(on.newAccess());
  },

  '[P1] [P3] [I1] [I2] a locator opens nothing, and changes nothing for the caller with the valid id': async (on) => {
    const former = await on.begin({ a: '1' });
    const { access, stamp } = await on.renew(former.access);
    const before = await on.found(access);
    const locator = locatorOf(on, await on.store.load(access)) ?? 's1.s2.1.none';
    for (const server of await on.servers()) {
      const callers = [
        { of: on.otherIdOf(access), loaded: 'none', saved: 'gone' },
        { of: former.access, loaded: 'superseded', saved: 'superseded' },
      ];
      for (const { of, loaded, saved } of callers) {
        const change = on.update(of, { a: { base: stamp, payload: '2' } });
        assert.deepEqual(await server.load(of, { locator, touchAfterMs: 0 }), { outcome: loaded });
        assert.deepEqual(await server.save({ ...change, locator }), { outcome: saved });
      }
      assert.deepEqual(await on.found(access, { locator }), before);
    }
  },
};
