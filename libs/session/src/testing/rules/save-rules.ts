import assert from 'node:assert/strict';
import type { PartChange } from '../../store/session-change.js';
import { sessionExpiry } from '../../store/session-record.js';
import { type ContractRules, timesOf } from '../store-under-test.js';

export const saveRules: ContractRules = {
  '[S1] parts are changed, added and removed by one save': async (on) => {
    const { access, stamp } = await on.begin({ a: 'a1', b: 'b1', c: 'c1' });
    const result = await on.saved(
      on.update(access, {
        a: { base: stamp, payload: 'a2' },
        b: { base: stamp, payload: null },
        d: { base: null, payload: 'd1' },
      }),
    );
    const expected = new Map([
      ['a', { version: result.stamp, payload: 'a2' }],
      ['c', { version: stamp, payload: 'c1' }],
      ['d', { version: result.stamp, payload: 'd1' }],
    ]);
    assert.deepEqual(new Map((await on.found(access)).parts), expected);
  },

  '[S1] [S3] a conflict in one part leaves all of them, and the end of life, as they are': async (on) => {
    const { access, stamp } = await on.begin({ a: 'a1', b: 'b1', c: 'c1' });
    await on.saved(on.update(access, { c: { base: stamp, payload: 'c2' } }));
    const before = await on.found(access);
    await on.pass(1);
    const fine = {
      a: { base: stamp, payload: 'a2' },
      b: { base: stamp, payload: null },
      d: { base: null, payload: 'd1' },
    };
    for (const conflict of [
      { c: { base: stamp, payload: 'c3' } },
      { c: { base: stamp, payload: null } },
      { c: { base: null, payload: 'c3' } },
    ]) {
      for (const parts of [
        { ...fine, ...conflict },
        { ...conflict, ...fine },
      ]) {
        const change = on.update(access, parts, { ...on.lifetime, idleTimeoutMs: 1 });
        assert.deepEqual(await on.conflicting(change), before);
      }
    }
    assert.deepEqual(await on.found(access), before);
  },

  '[S2] an update of a session that never was is gone, and creates nothing': async (on) => {
    const access = on.newAccess();
    assert.deepEqual(await on.store.save(on.update(access, { a: { base: null, payload: '1' } }, on.lifetime)), {
      outcome: 'gone',
    });
    assert.deepEqual(await on.store.save(on.update(access, {})), { outcome: 'gone' });
    await on.assertNone(access);
  },

  '[S3] a part that is not there conflicts with a version, a part that is there with none': async (on) => {
    const { access, stamp } = await on.begin({ a: '1' });
    const conflicts: Record<string, PartChange>[] = [
      { b: { base: stamp, payload: '1' } },
      { b: { base: stamp, payload: null } },
      { a: { base: null, payload: '2' } },
    ];
    for (const parts of conflicts) {
      assert.equal((await on.store.save(on.update(access, parts))).outcome, 'conflict');
    }
    await on.saved(on.update(access, { a: { base: stamp, payload: null } }));
    assert.equal((await on.store.save(on.update(access, { a: { base: stamp, payload: '2' } }))).outcome, 'conflict');
    await on.saved(on.update(access, { a: { base: null, payload: '2' } }));
  },

  '[S3] the version counts whole, not only its number': async (on) => {
    const { access, stamp } = await on.begin({ a: '1' });
    for (const base of ['1', '1.', '1.other', stamp.slice(0, -1), `${stamp}0`, stamp.slice(2), '']) {
      assert.equal(
        (await on.store.save(on.update(access, { a: { base, payload: '2' } }))).outcome,
        'conflict',
        `base '${base}'`,
      );
    }
  },

  '[S3] a change sent after a conflict from what the conflict told is saved': async (on) => {
    const { access, stamp } = await on.begin({ a: '1' });
    await on.saved(on.update(access, { a: { base: stamp, payload: '2' } }));
    const conflict = await on.store.save(on.update(access, { a: { base: stamp, payload: '3' } }));
    assert(conflict.outcome === 'conflict');
    const part = conflict.record.parts.get('a');
    assert.equal(part?.payload, '2');
    await on.saved(on.update(access, { a: { base: part?.version ?? null, payload: '3' } }));
  },

  '[S3] a key is created once': async (on) => {
    const { access } = await on.begin({ a: '1' });
    const before = await on.found(access);
    assert.deepEqual(await on.conflicting(on.creation(access, { b: '1' })), before);
    assert.deepEqual(await on.found(access), before);
  },

  '[S4] parts that are not named stay, with their versions': async (on) => {
    const { access, stamp } = await on.begin({ newer: '{"$v":9,"x":"\\u0000"}', unknown: 'not even JSON', a: '1' });
    for (const payload of ['2', '3']) {
      const base = (await on.found(access)).parts.get('a')?.version ?? null;
      await on.saved(on.update(access, { a: { base, payload } }));
    }
    const { parts } = await on.found(access);
    assert.deepEqual(parts.get('newer'), { version: stamp, payload: '{"$v":9,"x":"\\u0000"}' });
    assert.deepEqual(parts.get('unknown'), { version: stamp, payload: 'not even JSON' });
  },

  '[S6] an update moves the end of life, and the client has not joined by it': async (on) => {
    const { access } = await on.begin();
    const before = await on.found(access);
    await on.pass(2);
    const { times } = await on.saved(on.update(access, {}));
    const after = await on.found(access);
    assert.deepEqual(timesOf(times), timesOf(after));
    const { createdAt, lastAccessedAt, expiresAt, joined, confirmed } = after;
    assert.deepEqual([createdAt, joined, confirmed], [before.createdAt, false, false]);
    assert.ok(lastAccessedAt >= before.lastAccessedAt + on.units(2));
    assert.equal(expiresAt, lastAccessedAt + on.lifetime.unjoinedTimeoutMs);
  },

  '[S6] a new lifetime counts from the save that brings it': async (on) => {
    const { access } = await on.beginJoined();
    for (const lifetime of [
      { ...on.lifetime, idleTimeoutMs: on.units(20) },
      { ...on.lifetime, idleTimeoutMs: on.units(3) },
      { ...on.lifetime, absoluteTimeoutMs: on.units(5) },
    ]) {
      const { times } = await on.saved(on.update(access, {}, lifetime));
      const record = await on.found(access);
      assert.deepEqual(record.lifetime, lifetime);
      assert.equal(record.expiresAt, sessionExpiry(record, lifetime));
      assert.equal(times.expiresAt, record.expiresAt);
    }
    await on.pass(6);
    await on.assertNone(access);
  },

  '[S7] stamps count the saves and carry the write id': async (on) => {
    const access = on.newAccess();
    const creation = on.creation(access, { a: '1' });
    const { stamp } = await on.saved(creation);
    assert.equal(stamp, `1.${creation.writeId}`);
    for (let n = 2; n <= 12; n++) {
      const base = (await on.found(access)).parts.get('a')?.version ?? null;
      const change = on.update(access, n % 3 === 0 ? {} : { a: { base, payload: `${n}` } });
      const result = await on.saved(change);
      assert.equal(result.stamp, `${n}.${change.writeId}`);
      const record = await on.found(access);
      assert.equal(record.stamp, result.stamp);
      assert.equal(record.parts.get('a')?.version, n % 3 === 0 ? base : result.stamp);
    }
  },
};
