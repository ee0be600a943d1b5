import assert from 'node:assert/strict';
import type { SessionKey } from '../../store/session-id.js';
import type { SaveResult, SessionStore } from '../../store/session-store.js';
import type { ListedSession, PrincipalPage, StoreEpoch, StorePrincipals } from '../../store/store-principals.js';
import type { BegunSession, ContractRules, StoreUnderTest } from '../store-under-test.js';

/** A rule for stores that find sessions by their principal. */
function listing(check: (on: StoreUnderTest, principals: StorePrincipals) => Promise<void>): ContractRules[string] {
  return async (on) => {
    if (on.store.principals) await check(on, on.store.principals);
  };
}

/** A rule for stores that refuse logins beyond a limit. */
function limiting(check: (on: StoreUnderTest) => Promise<void>): ContractRules[string] {
  return listing(async (on, { limit }) => {
    if (limit !== 'end') await check(on);
  });
}

/** A rule for stores that keep an epoch. */
function ending(check: (on: StoreUnderTest, epoch: StoreEpoch) => Promise<void>): ContractRules[string] {
  return async (on) => {
    if (on.store.epoch) await check(on, on.store.epoch);
  };
}

export const principalRules: ContractRules = {
  '[Q1] the sessions of a principal are listed, and no others': listing(async (on) => {
    const created = await on.begin({}, { principal: on.user('alice') });
    const renewed = await on.renew((await on.begin()).access, { principal: on.user('alice') });
    await on.begin({}, { principal: on.user('bob') });
    await on.begin();
    await assertKeys(on, on.user('alice'), [created, renewed]);
    await assertKeys(on, on.user('nobody'), []);
  }),

  '[Q1] any text can name a principal': listing(async (on) => {
    for (const name of ['0', 'zażółć 漢字 🧑‍🚀', 'a b:c/d\n"\'{}', '__proto__', 'x'.repeat(400)]) {
      const principal = on.user(name);
      await assertKeys(on, principal, []);
      await assertKeys(on, principal, [await on.begin({}, { principal })]);
    }
  }),

  '[Q1] a session that gets a new id, a save or another login of its principal is listed once': listing(async (on) => {
    const { access } = await on.begin({}, { principal: on.user('alice') });
    await on.saved(on.update(access, {}, on.longLifetime));
    const renewed = await on.renew(access);
    const again = await on.renew(renewed.access, { principal: on.user('alice') });
    await assertKeys(on, on.user('alice'), [again]);
    const [listed] = await all(on.store, on.user('alice'));
    assert.deepEqual(listed?.record, { ...(await on.found(again.access)), parts: new Map() });
  }),

  '[Q1] with the login of another principal a session changes hands, and back': listing(async (on) => {
    const first = await on.begin({}, { principal: on.user('alice') });
    const second = await on.renew(first.access, { principal: on.user('bob'), keep: [] });
    await assertKeys(on, on.user('alice'), []);
    await assertKeys(on, on.user('bob'), [second]);
    const third = await on.renew(second.access, { principal: on.user('alice'), keep: [] });
    await assertKeys(on, on.user('alice'), [third]);
    await assertKeys(on, on.user('bob'), []);
    assert.equal((await all(on.store, on.user('alice')))[0]?.record.logins, 3);
  }),

  '[Q1] a session that has ended is not listed': listing(async (on) => {
    const [ended, left] = [
      await on.begin({}, { principal: on.user('alice') }),
      await on.begin({}, { principal: on.user('alice') }),
    ];
    await on.store.destroy(ended.access);
    await assertKeys(on, on.user('alice'), [left]);
    await on.store.destroy({ key: left.access.key, logins: 1 });
    await assertKeys(on, on.user('alice'), []);
  }),

  '[Q1] [L2] a session that has expired is not listed, and one that was prolonged is': listing(async (on) => {
    const lifetime = { ...on.lifetime, absoluteTimeoutMs: on.units(6) };
    const prolonged = await on.beginJoined({}, { principal: on.user('alice'), lifetime });
    await on.begin({}, { principal: on.user('alice'), lifetime });
    await on.saved(on.update(prolonged.access, {}, on.longLifetime));
    await on.pass(5);
    await assertKeys(on, on.user('alice'), [prolonged]);
    await on.pass(3);
    await assertKeys(on, on.user('alice'), [prolonged]);
  }),

  '[Q1] a refused login is not listed': listing(async (on) => {
    const { access } = await on.begin({}, { principal: on.user('alice') });
    const stale = on.newAccess();
    await on.store.save(on.renewal(stale, on.otherIdOf(stale), { principal: on.user('bob') }));
    await on.store.save(on.renewal(on.otherIdOf(access), on.otherIdOf(access), { principal: on.user('bob') }));
    await assertKeys(on, on.user('bob'), []);
    await assertKeys(on, on.user('alice'), [{ access }]);
  }),

  '[Q1] servers find the sessions of each other': listing(async (on) => {
    const [one, other] = await on.servers();
    const access = on.newAccess();
    await on.saved(on.creation(access, {}, { principal: on.user('alice') }), one);
    assert.deepEqual(keysOf(await all(other, on.user('alice'))), [access.key]);
    await other.destroy(access);
    assert.deepEqual(await all(one, on.user('alice')), []);
  }),

  '[Q2] [Q3] pages follow each other, the newest login first, and each session is met once': listing(
    async (on, principals) => {
      const { sessions, ages } = await logInOneAfterTheOther(on);
      for (const limit of [1, 2, 3, 7, 100]) {
        const listed = await all(on.store, on.user('alice'), { limit });
        const keys = keysOf(listed);
        assert.deepEqual(keys.toSorted(), sessions.map(({ access }) => access.key).toSorted());
        const agesListed = keys.map((key) => ages.get(key) as number);
        assert.deepEqual(
          agesListed,
          agesListed.toSorted((a, b) => a - b),
        );
      }
      const { next } = await principals.list(on.user('alice'), { limit: 7, parts: [] });
      assert.equal(next, undefined);
    },
  ),

  '[Q3] a page goes on behind a session that has ended meanwhile': listing(async (on, principals) => {
    const { sessions } = await logInOneAfterTheOther(on);
    const { sessions: first, next } = await principals.list(on.user('alice'), { limit: 3, parts: [] });
    for (const { key, record } of first) await on.store.destroy({ key, logins: record.logins });
    const rest = await all(on.store, on.user('alice'), { limit: 3, after: next });
    const met = [...keysOf(first), ...keysOf(rest)];
    assert.deepEqual(met.toSorted(), sessions.map(({ access }) => access.key).toSorted());
  }),

  '[Q3] a text that no page ended with counts as none': listing(async (on) => {
    const begun = await on.begin({}, { principal: on.user('alice') });
    for (const after of ['', 'x', '.', '1.', `${'9'.repeat(300)}.${begun.access.key}`, '0.a\n', '-1.a']) {
      assert.deepEqual(keysOf(await all(on.store, on.user('alice'), { after })), [begun.access.key]);
    }
  }),

  '[Q4] a list has the parts that it was asked for, and changes nothing': listing(async (on, principals) => {
    const { access } = await on.begin({ a: '1', b: 'x\ny z', c: 'c'.repeat(20_000) }, { principal: on.user('alice') });
    const before = await on.found(access);
    await on.pass(1);
    const { sessions } = await principals.list(on.user('alice'), { limit: 10, parts: ['b', 'missing'] });
    assert.deepEqual([...(sessions[0]?.record.parts.entries() ?? [])], [['b', before.parts.get('b')]]);
    const after = await on.found(access);
    assert.deepEqual(after, before);
  }),

  '[Q5] where the principal has more sessions, all of them are listed': listing(async (on, principals) => {
    const { sessions } = await logInOneAfterTheOther(on);
    for (const ifMoreThan of [0, 6]) {
      const listed = await principals.list(on.user('alice'), { limit: 100, ifMoreThan, parts: [] });
      assert.equal(listed.sessions.length, sessions.length);
    }
    const { next } = await principals.list(on.user('alice'), { limit: 100, ifMoreThan: 7, parts: [] });
    assert.equal(next, undefined);
  }),

  '[Q6] a login beyond the limit is refused, and nothing is changed': limiting(async (on) => {
    const first = await on.begin({}, { principal: on.user('alice') });
    const access = on.newAccess();
    await on.saved({ ...on.creation(access, {}, { principal: on.user('alice') }), mostSessions: 2 });
    const refused = on.newAccess();
    const creation = { ...on.creation(refused, {}, { principal: on.user('alice') }), mostSessions: 2 };
    assert.deepEqual(await on.store.save(creation), { outcome: 'limit' });
    await on.assertNone(refused);
    const anonymous = await on.begin();
    const before = await on.found(anonymous.access);
    const login = on.renewal(anonymous.access, on.otherIdOf(anonymous.access), {
      principal: on.user('alice'),
      mostSessions: 2,
    });
    assert.deepEqual(await on.store.save(login), { outcome: 'limit' });
    assert.deepEqual(await on.found(anonymous.access), before);
    await assertKeys(on, on.user('alice'), [first, { access }]);
    await on.saved({ ...on.creation(on.newAccess(), {}, { principal: on.user('bob') }), mostSessions: 2 });
  }),

  '[Q6] a login to a session of the principal takes no place': limiting(async (on) => {
    const { access } = await on.begin({}, { principal: on.user('alice') });
    const again = await on.renew(access, { principal: on.user('alice'), mostSessions: 1 });
    await assertKeys(on, on.user('alice'), [again]);
    // Also where there are too many already.
    const other = await on.begin({}, { principal: on.user('alice') });
    await assertKeys(on, on.user('alice'), [
      await on.renew(again.access, { principal: on.user('alice'), mostSessions: 1 }),
      other,
    ]);
  }),

  '[Q6] the place of a session that has ended, or changed hands, is free': limiting(async (on) => {
    for (let i = 0; i < 3; i++) {
      const access = on.newAccess();
      await on.saved({ ...on.creation(access, {}, { principal: on.user('alice') }), mostSessions: 1 });
      await on.store.destroy(access);
    }
    const { access } = await on.begin({}, { principal: on.user('carol') });
    await on.renew(access, { principal: on.user('bob'), keep: [] });
    if (on.hasMinutes) await on.pass(2);
    else return;
    await on.saved({ ...on.creation(on.newAccess(), {}, { principal: on.user('carol') }), mostSessions: 1 });
  }),

  '[Q6] of logins at once as many are saved as there are places': limiting(async (on) => {
    const servers = await on.servers();
    const logins = Array.from({ length: 12 }, () => on.newAccess());
    const results = await Promise.all(
      logins.map(async (access, i): Promise<SaveResult> => {
        const creation = on.creation(access, {}, { principal: on.user('alice') });
        return servers[(i % 2) as 0 | 1].save({ ...creation, mostSessions: 5 });
      }),
    );
    const saved = logins.filter((_, i) => results[i]?.outcome === 'saved');
    assert.equal(saved.length, 5);
    assert.ok(results.every(({ outcome }) => outcome === 'saved' || outcome === 'limit'));
    await assertKeys(
      on,
      on.user('alice'),
      saved.map((access) => ({ access })),
    );
  }),

  '[E1] an epoch is known to all servers, and is not before any session': ending(async (on, epoch) => {
    const [, other] = await on.servers();
    const { createdAt, era = createdAt } = await on.found((await on.begin()).access);
    assert.ok(((await other.epoch?.read()) ?? -1) < era);
    const begun = await epoch.begin();
    assert.ok(begun >= era);
    assert.equal(await other.epoch?.read(), begun);
    await on.pass(1);
    const later = (await other.epoch?.begin()) as number;
    assert.ok(later > begun);
    assert.equal(await epoch.read(), later);
  }),

  '[E2] [Q6] sessions from before the epoch are not listed, and take no place': ending(async (on, epoch) => {
    await on.begin({}, { principal: on.user('alice') });
    await epoch.begin();
    await on.pass(0.5);
    if (!on.store.principals) return;
    await assertKeys(on, on.user('alice'), []);
    const access = on.newAccess();
    await on.saved({ ...on.creation(access, {}, { principal: on.user('alice') }), mostSessions: 1 });
    await assertKeys(on, on.user('alice'), [{ access }]);
  }),
};

/** All sessions of the principal, by as many pages as that takes. */
async function all(
  { principals }: SessionStore,
  principal: string,
  page: Partial<PrincipalPage> = {},
): Promise<ListedSession[]> {
  assert.ok(principals);
  const sessions: ListedSession[] = [];
  let after = page.after;
  do {
    const found = await principals.list(principal, { limit: 100, parts: [], ...page, after });
    assert.ok(found.sessions.length <= (page.limit ?? 100));
    assert.match(found.next ?? '', /^[A-Za-z0-9_.-]{0,200}$/);
    sessions.push(...found.sessions);
    after = found.next;
  } while (after !== undefined);
  return sessions;
}

function keysOf(sessions: readonly ListedSession[]): SessionKey[] {
  return sessions.map(({ key }) => key);
}

async function assertKeys(
  on: StoreUnderTest,
  principal: string,
  expected: readonly Pick<BegunSession, 'access'>[],
): Promise<void> {
  const listed = await all(on.store, principal);
  for (const { record } of listed) assert.equal(record.principal, principal);
  assert.deepEqual(keysOf(listed).toSorted(), expected.map(({ access }) => access.key).toSorted());
}

/** Seven logins of Alice: four, and three more a while later. By key, how old each is. */
async function logInOneAfterTheOther(
  on: StoreUnderTest,
): Promise<{ readonly sessions: readonly BegunSession[]; readonly ages: ReadonlyMap<SessionKey, number> }> {
  const sessions: BegunSession[] = [];
  const ages = new Map<SessionKey, number>();
  for (let i = 0; i < 7; i++) {
    sessions.push(await on.begin({}, { principal: on.user('alice'), lifetime: on.longLifetime }));
    if (i === 3) await on.pass(12);
  }
  for (const [i, { access }] of sessions.entries()) ages.set(access.key, i <= 3 ? 1 : 0);
  return { sessions, ages };
}
