import assert from 'node:assert/strict';
import type { SessionAccess } from '../../store/session-id.js';
import type { LoadOptions, SessionStore } from '../../store/session-store.js';
import type { BegunSession, ContractRules, StoreUnderTest } from '../store-under-test.js';

/** The answers of all methods to a caller who does not get at the session. */
const NONE = { load: 'none', save: 'gone', touch: 'none', acquire: 'none', destroy: 'none' };
const SUPERSEDED = {
  load: 'superseded',
  save: 'superseded',
  touch: 'superseded',
  acquire: 'superseded',
  destroy: 'superseded',
};

/**
 * Calls everything with this access. Every answer has to be the outcome alone.
 * @param stamp of the session, for changes that would be applied
 */
async function assertAnswers(
  on: StoreUnderTest,
  store: SessionStore,
  access: SessionAccess,
  stamp: string,
  expected: Readonly<typeof NONE>,
): Promise<void> {
  const loads: (LoadOptions | undefined)[] = [undefined, { touchAfterMs: 0 }, { known: stamp, touchAfterMs: 0 }];
  for (const options of loads) assert.deepEqual(await store.load(access, options), { outcome: expected.load });
  const change = on.update(access, { a: { base: stamp, payload: 'x' } });
  const renewal = { proof: on.otherIdOf(access).proof };
  for (const each of [
    change,
    { ...on.update(access, {}), lifetime: on.longLifetime },
    on.update(access, { a: { base: '1.other', payload: 'x' } }),
    { ...change, lock: 'not held' },
    { ...change, renewal },
    { ...on.update(access, {}), renewal: { ...renewal, principal: 'mallory', keep: [] } },
  ]) {
    assert.deepEqual(await store.save(each), { outcome: expected.save });
  }
  assert.deepEqual(await store.touch(access), { outcome: expected.touch });
  if (store.locks) {
    const lock = { token: 'mallory', leaseMs: on.units(50) };
    assert.deepEqual(await store.locks.acquire(access, lock), { outcome: expected.acquire });
  }
  assert.deepEqual(await store.destroy(access), { outcome: expected.destroy });
}

/** Calls everything with this access. Every call has to reach the session, and the last one ends it. */
async function assertOpens(on: StoreUnderTest, access: SessionAccess): Promise<void> {
  const { store } = on;
  const { stamp } = await on.found(access, { touchAfterMs: 0 });
  assert.equal((await store.load(access, { known: stamp })).outcome, 'unchanged');
  await on.saved(on.update(access, { added: { base: null, payload: '1' } }));
  assert.deepEqual(await store.touch(access), { outcome: 'touched' });
  if (store.locks) {
    assert.deepEqual(await store.locks.acquire(access, { token: 'own', leaseMs: 1 }), { outcome: 'locked' });
  }
  assert.deepEqual(await store.destroy(access), { outcome: 'ended' });
}

export const accessRules: ContractRules = {
  '[I1] with a wrong proof, or with other logins, there is no such session, and nothing happens to it': async (on) => {
    const other = await on.begin();
    const { access, stamp } = await on.begin({ a: '1' }, { principal: 'alice' });
    const { key, proof } = access;
    const before = await on.found(access);
    await on.pass(1);
    const wrong: SessionAccess[] = [
      on.newAccess(),
      on.otherIdOf(access),
      { key, proof: other.access.proof },
      { key, proof: proof.slice(0, -1) },
      { key, proof: `${proof}A` },
      { key, proof: '' },
      { key, logins: 0 },
      { key, logins: 2 },
    ];
    for (const server of await on.servers()) {
      for (const each of wrong) await assertAnswers(on, server, each, stamp, NONE);
      assert.deepEqual(await on.found(access), before);
    }
    if (on.store.locks) {
      const lock = { token: 'own', leaseMs: on.units(1) };
      assert.deepEqual(await on.store.locks.acquire(access, lock), { outcome: 'locked' });
    }
  },

  '[I2] [I5] a former id is superseded for every call and every server, and does nothing': async (on) => {
    const former = await on.beginJoined({ a: '1' });
    const { access, stamp } = await on.renew(former.access, { parts: { a: { base: former.stamp, payload: '2' } } });
    const before = await on.found(access);
    await on.pass(0.5);
    for (const server of await on.servers()) {
      await assertAnswers(on, server, former.access, stamp, SUPERSEDED);
      await assertAnswers(on, server, former.access, former.stamp, SUPERSEDED);
      assert.deepEqual(await on.found(access), before);
    }
    if (on.store.locks) {
      const lock = { token: 'own', leaseMs: on.units(1) };
      assert.deepEqual(await on.store.locks.acquire(access, lock), { outcome: 'locked' });
    }
  },

  '[I2] the last four former ids are superseded; older ones may be forgotten, and open nothing': async (on) => {
    const ids = [await on.begin()];
    for (let n = 0; n < 7; n++) ids.push(await on.renew((ids.at(-1) as BegunSession).access));
    const [present, ...former] = ids.map(({ access }) => access).toReversed();
    const before = await on.found(present as SessionAccess);
    for (const access of former.slice(0, 4)) await on.assertSuperseded(access);
    for (const access of former.slice(4)) {
      const { outcome } = await on.store.load(access, { touchAfterMs: 0 });
      assert(['superseded', 'none'].includes(outcome), `a former id is answered with ${outcome}`);
      assert.equal((await on.store.touch(access)).outcome, outcome);
      assert.equal((await on.store.destroy(access)).outcome, outcome);
    }
    assert.deepEqual(await on.found(present as SessionAccess), before);
  },

  '[I2] a former id is superseded for one minute, and for two at most, each from its own end': async (on) => {
    if (!on.hasMinutes) return;
    const { access } = await on.beginLasting();
    const second = await on.renew(access);
    const minute = 60_000 / on.units(1);
    await on.pass(0.99 * minute);
    await on.assertSuperseded(access);
    await on.pass(0.2 * minute);
    const third = await on.renew(second.access);
    await on.pass(0.82 * minute);
    await on.assertNone(access);
    await on.assertSuperseded(second.access);
    await on.pass(1.2 * minute);
    await on.assertNone(second.access);
    await on.found(third.access);
  },

  '[I2] [L2] a former id of a session that has ended is that of no session': async (on) => {
    const [ended, expired] = [await on.begin(), await on.begin()];
    const { access } = await on.renew(ended.access);
    await on.renew(expired.access);
    await on.store.destroy(access);
    await assertAnswers(on, on.store, ended.access, ended.stamp, NONE);
    await on.pass(5);
    await assertAnswers(on, on.store, expired.access, expired.stamp, NONE);
  },

  '[I7] what the application knows of a session opens it, also after renewals and logins of the same principal': async (
    on,
  ) => {
    const anonymous = await on.begin();
    await on.renew(anonymous.access);
    await assertOpens(on, { key: anonymous.access.key, logins: 0 });

    const { access } = await on.begin({}, { principal: 'alice' });
    const renewed = await on.renew(access);
    await on.renew(renewed.access, { principal: 'alice' });
    await assertOpens(on, { key: access.key, logins: 1 });
  },

  '[I7] what the application knows of a session opens nothing after the login of another principal': async (on) => {
    let { access, stamp } = await on.begin();
    for (const [logins, principal] of ['alice', 'bob', 'alice'].entries()) {
      ({ access, stamp } = await on.renew(access, { principal }));
      const before = await on.found(access);
      const former = Array.from({ length: logins + 1 }, (_, n) => ({ key: access.key, logins: n }));
      for (const handle of former) await assertAnswers(on, on.store, handle, stamp, NONE);
      assert.deepEqual(await on.found({ key: access.key, logins: logins + 1 }), before);
    }
  },

  '[I7] the application may give a session a new id, and the former one is superseded': async (on) => {
    const { access } = await on.begin({ a: '1' });
    const renewed = await on.renew({ key: access.key, logins: 0 }, { keep: ['a'] });
    await on.assertSuperseded(access);
    const { generation, logins, parts } = await on.found(renewed.access);
    assert.deepEqual([generation, logins, parts.get('a')?.payload], [1, 0, '1']);
  },
};
