import assert from 'node:assert/strict';
import type { BegunSession, ContractRules, StoreUnderTest } from '../store-under-test.js';

export const loginRules: ContractRules = {
  '[S8] a session that is created with a principal begins with a login, one without begins with none': async (on) => {
    const user = await on.found((await on.begin({}, { principal: 'alice' })).access);
    assert.deepEqual([user.logins, user.principal, user.generation], [1, 'alice', 0]);
    assert.equal(user.authenticatedAt, user.createdAt);
    const anonymous = await on.found((await on.begin()).access);
    assert.deepEqual([anonymous.logins, anonymous.principal, anonymous.authenticatedAt], [0, undefined, undefined]);
  },

  '[S8] any text can name a principal': async (on) => {
    for (const principal of ['0', 'null', 'zażółć 漢字 🧑‍🚀', 'a b:c/d\n"\'', '__proto__', 'x'.repeat(200)]) {
      const created = await on.begin({}, { principal });
      assert.equal((await on.found(created.access)).principal, principal);
      const renewed = await on.renew((await on.begin()).access, { principal });
      assert.equal((await on.found(renewed.access)).principal, principal);
    }
  },

  '[I14] the first login grows logins, and the session keeps its beginning': async (on) => {
    await keepsItsBeginning(on, await on.begin());
  },

  '[I14] a login of the same principal is an authentication, and the session is the same': async (on) => {
    await keepsItsBeginning(on, await on.begin({}, { principal: 'alice' }));
  },

  '[I14] with the login of another principal a session of its own begins': async (on) => {
    const begun = await on.begin({ a: '1' }, { principal: 'alice' });
    const before = await on.found(begun.access);
    await on.pass(1);
    const { access } = await on.renew(begun.access, { principal: 'bob', keep: [] });
    const { createdAt, authenticatedAt, lastAccessedAt, logins, principal, parts } = await on.found(access);
    assert.deepEqual([logins, principal, parts.size], [2, 'bob', 0]);
    assert.ok(lastAccessedAt >= before.lastAccessedAt + on.units(1));
    assert.deepEqual([createdAt, authenticatedAt], [lastAccessedAt, lastAccessedAt]);
  },

  '[I14] a renewal without a login, a save and a touch leave principal and login as they are': async (on) => {
    const begun = await on.begin({}, { principal: 'alice' });
    const { createdAt, authenticatedAt } = await on.found(begun.access);
    await on.pass(1);
    const { access } = await on.renew(begun.access, { keep: [] });
    await on.saved(on.update(access, {}, on.longLifetime));
    await on.store.touch(access);
    const record = await on.found(access, { touchAfterMs: 0 });
    assert.deepEqual([record.createdAt, record.authenticatedAt], [createdAt, authenticatedAt]);
    assert.deepEqual([record.logins, record.principal], [1, 'alice']);
  },

  '[I14] [L2] the absolute end counts from the last login': async (on) => {
    const lifetime = { ...on.lifetime, absoluteTimeoutMs: on.units(4) };
    const anonymous = await on.beginJoined({}, { lifetime });
    const plain = await on.beginJoined({}, { lifetime });
    await on.pass(3);
    await on.renew(plain.access);
    const { access } = await on.renew(anonymous.access, { principal: 'alice' });
    const first = await on.found(access);
    assert.equal(first.expiresAt, (first.authenticatedAt as number) + on.units(4));
    await on.pass(3);
    await on.assertNone({ key: plain.access.key, logins: 0 });
    const again = await on.renew(access, { principal: 'alice' });
    const { authenticatedAt, createdAt, expiresAt } = await on.found(again.access, { touchAfterMs: 0 });
    assert.equal(expiresAt, (authenticatedAt as number) + on.units(4));
    assert.equal(createdAt, first.createdAt);
    await on.pass(5);
    await on.assertNone(again.access);
  },

  '[I14] [I4] of logins at once with one id one is saved': async (on) => {
    const { access } = await on.begin();
    const servers = await on.servers();
    const principals = ['alice', 'bob', 'carol', 'dave'];
    const ids = principals.map(() => on.otherIdOf(access));
    const results = await Promise.all(
      ids.map(async (to, i) => servers[(i % 2) as 0 | 1].save(on.renewal(access, to, { principal: principals[i] }))),
    );
    const outcomes = results.map(({ outcome }) => outcome);
    assert.deepEqual(outcomes.toSorted(), ['saved', 'superseded', 'superseded', 'superseded']);
    const { proof, principal, logins } = await on.found({ key: access.key, logins: 1 });
    const winner = outcomes.indexOf('saved');
    assert.deepEqual([proof, principal, logins], [ids[winner]?.proof, principals[winner], 1]);
  },
};

/** Alice logs in to a session that is hers, or nobody's: she has logged in once, and now. */
async function keepsItsBeginning(on: StoreUnderTest, begun: BegunSession): Promise<void> {
  const before = await on.found(begun.access);
  await on.pass(1);
  const { access } = await on.renew(begun.access, { principal: 'alice' });
  const { createdAt, authenticatedAt, lastAccessedAt, logins, principal } = await on.found(access);
  assert.deepEqual([createdAt, logins, principal], [before.createdAt, 1, 'alice']);
  assert.ok(lastAccessedAt >= before.lastAccessedAt + on.units(1));
  assert.equal(authenticatedAt, lastAccessedAt);
}
