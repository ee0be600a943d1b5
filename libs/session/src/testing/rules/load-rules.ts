import assert from 'node:assert/strict';
import { sessionExpiry, type SessionRecord } from '../../store/session-record.js';
import { type ContractRules, timesOf } from '../store-under-test.js';

/** Texts and names that formats and languages may damage. */
const AWKWARD = [
  '',
  ' ',
  '0',
  'null',
  '{"a":"b"}',
  'line\nbreak\r\n',
  'nul\u0000',
  'zażółć 漢字 🧑‍🚀',
  '"\'`\\$(:)|',
  '__proto__',
  'constructor',
  'x'.repeat(100_000),
];
const AWKWARD_NAMES = ['a', '@attributes', '__proto__', 'constructor', 'a:b.c/d', 'Bean 2', 'ż🧑‍🚀', '0', '-1', 'stamp'];

/** Not structuredClone: in jest its objects belong to another realm, and are never strictly equal. */
function copyOf(record: SessionRecord): SessionRecord {
  const parts = [...record.parts].map(([name, part]) => [name, { ...part }] as const);
  return { ...record, lifetime: { ...record.lifetime }, parts: new Map(parts) };
}

export const loadRules: ContractRules = {
  '[L1] a session is found as it was created': async (on) => {
    const access = on.newAccess();
    const { stamp, times } = await on.saved(on.creation(access, { counter: '{"value":1}', cart: '[]' }));
    const record = await on.found(access);
    assert.deepEqual([...record.parts.keys()].toSorted(), ['cart', 'counter']);
    assert.deepEqual(record.parts.get('counter'), { version: stamp, payload: '{"value":1}' });
    assert.deepEqual(record.lifetime, on.lifetime);
    assert.equal(record.stamp, stamp);
    assert.deepEqual(timesOf(times), timesOf(record));
    const { createdAt, lastAccessedAt, expiresAt, joined, confirmed } = record;
    assert.deepEqual([lastAccessedAt, joined, confirmed], [createdAt, false, false]);
    assert.equal(expiresAt, sessionExpiry(record, on.lifetime));
    const { proof, generation, logins, principal } = record;
    assert.deepEqual([proof, generation, logins, principal], [access.proof, 0, 0, undefined]);
  },

  '[L1] a session without parts is a session': async (on) => {
    const { access } = await on.begin({});
    assert.equal((await on.found(access)).parts.size, 0);
  },

  '[L1] payloads come back byte for byte': async (on) => {
    for (const payload of AWKWARD) {
      const { access } = await on.begin({ a: payload });
      assert.equal((await on.found(access)).parts.get('a')?.payload, payload);
    }
  },

  '[L1] any name can be the name of a part': async (on) => {
    const parts = new Map(AWKWARD_NAMES.map((name) => [name, { base: null, payload: `of ${name}` }]));
    const access = on.newAccess();
    const { stamp } = await on.saved({ ...on.creation(access, {}), parts });
    const expected = AWKWARD_NAMES.map((name) => [name, { version: stamp, payload: `of ${name}` }] as const);
    assert.deepEqual(new Map((await on.found(access)).parts), new Map(expected));
  },

  '[L1] there is no session under an unknown key': async (on) => {
    await on.begin();
    await on.assertNone(on.newAccess());
    assert.deepEqual(await on.store.load(on.newAccess(), { known: '1.x', touchAfterMs: 0 }), { outcome: 'none' });
  },

  '[L3] a record does not change by what is saved later': async (on) => {
    const { access, stamp } = await on.begin({ a: '1', b: '1', c: '1' });
    const record = await on.found(access);
    const before = copyOf(record);
    await on.pass(1);
    await on.saved(
      on.update(access, {
        a: { base: stamp, payload: '2' },
        b: { base: stamp, payload: null },
        d: { base: null, payload: '1' },
      }),
    );
    await on.found(access, { touchAfterMs: 0 });
    await on.store.touch(access);
    await on.store.destroy(access);
    assert.deepEqual(record, before);
  },

  '[L3] the caller may go on using the map it saved': async (on) => {
    const parts = new Map([['a', { base: null, payload: '1' }]]);
    const lifetime = { ...on.lifetime };
    const access = on.newAccess();
    await on.saved({ ...on.creation(access, {}), parts, lifetime });
    parts.clear();
    lifetime.idleTimeoutMs = 0;
    const record = await on.found(access);
    assert.equal(record.parts.get('a')?.payload, '1');
    assert.deepEqual(record.lifetime, on.lifetime);
  },

  '[L4] a copy with the stored stamp is unchanged': async (on) => {
    const { access, stamp } = await on.begin();
    const unchanged = await on.store.load(access, { known: stamp });
    assert(unchanged.outcome === 'unchanged');
    assert.deepEqual(timesOf(unchanged.times), timesOf(await on.found(access)));
    assert.deepEqual(await on.store.touch(access), { outcome: 'touched' });
    assert.equal((await on.store.load(access, { known: stamp })).outcome, 'unchanged');
  },

  '[L4] a copy with another stamp is replaced': async (on) => {
    const { access, stamp } = await on.begin();
    for (const known of [`${stamp}x`, '1.x', '1', '']) assert.equal((await on.found(access, { known })).stamp, stamp);
    const update = await on.saved(on.update(access, { a: { base: stamp, payload: '2' } }));
    assert.equal((await on.found(access, { known: stamp })).stamp, update.stamp);
    await on.saved(on.update(access, {}));
    assert.equal((await on.found(access, { known: update.stamp })).parts.get('a')?.payload, '2');
  },
};
