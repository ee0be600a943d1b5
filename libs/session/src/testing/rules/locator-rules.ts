import assert from 'node:assert/strict';
import type { SessionLocation } from '../../store/session-store.js';
import type { ContractRules, StoreUnderTest } from '../store-under-test.js';

const LOCATOR = /^(?:[A-Za-z0-9]{1,32}|-)(?:\.[A-Za-z0-9_-]{1,64}){0,3}$/;

/** The locator of an answer, which has one exactly when the store declares `locates`. */
function locatorOf(on: StoreUnderTest, answer: object): string | undefined {
  const { locator } = answer as SessionLocation;
  const isDeclared = on.store.capabilities.locates === true;
  assert.equal(locator !== undefined, isDeclared, '[P2] answers carry a locator exactly when locates is declared');
  if (locator !== undefined) assert.match(locator, LOCATOR);
  return locator;
}

export const locatorRules: ContractRules = {
  '[P2] every answer that tells of a session says where it is, exactly when locates is declared': async (on) => {
    const { key, stamp } = await on.begin({ a: '1' });
    const answers = [
      await on.saved(on.creation(on.newKey(), {})),
      await on.store.load(key),
      await on.store.load(key, { known: stamp }),
      await on.store.save(on.update(key, { a: { base: null, payload: '2' } })),
      await on.saved(on.update(key, { a: { base: stamp, payload: '2' } })),
    ];
    for (const answer of answers) locatorOf(on, answer);
  },

  '[P1] a session is found with its locator, on any server': async (on) => {
    const { key, stamp } = await on.begin({ a: '1' });
    for (const server of await on.servers()) {
      const locator = locatorOf(on, await on.store.load(key));
      const found = await server.load(key, { locator });
      assert(found.outcome === 'found', `expected the session to be found, the answer was ${found.outcome}`);
      assert.equal(found.record.stamp, stamp);
    }
  },

  '[P3] a change is applied with the locator of what it was made from, on any server': async (on) => {
    const { key } = await on.begin({ a: '0' });
    let count = 0;
    for (const server of await on.servers()) {
      const loaded = await on.store.load(key);
      assert(loaded.outcome === 'found', `expected the session to be found, the answer was ${loaded.outcome}`);
      const base = loaded.record.parts.get('a')?.version ?? null;
      const change = { ...on.update(key, { a: { base, payload: `${++count}` } }), locator: locatorOf(on, loaded) };
      const saved = await server.save(change);
      assert.equal(saved.outcome, 'saved');
      locatorOf(on, saved);
      assert.equal((await on.found(key)).parts.get('a')?.payload, `${count}`);
    }
  },

  '[P3] a text that is no locator of the store counts as none for a change': async (on) => {
    const { key, stamp } = await on.begin({ a: '1' });
    const change = { ...on.update(key, { a: { base: stamp, payload: '2' } }), locator: 's1.s2.zzzzzzzzzz.forged' };
    assert.equal((await on.saved(change)).outcome, 'saved');
    const late = { ...on.update(on.newKey(), { a: { base: null, payload: '1' } }), locator: 's1.s2.1.forged' };
    assert.equal((await on.store.save(late)).outcome, 'gone');
  },

  '[P1] a text that is no locator of the store counts as none for a load': async (on) => {
    const { key, stamp } = await on.begin({ a: '1' });
    const other = locatorOf(on, await on.saved(on.creation(on.newKey(), {})));
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
      assert.equal((await on.found(key, { locator })).stamp, stamp);
    }
    await on.assertNone(on.newKey());
  },
};
