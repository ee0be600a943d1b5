import assert from 'node:assert/strict';
import { sessionExpiry } from '../../store/session-record.js';
import type { ContractRules } from '../store-under-test.js';

export const joinRules: ContractRules = {
  '[L5] the first request that comes back with the id joins': async (on) => {
    const { access } = await on.begin();
    const before = await on.found(access);
    await on.pass(1);
    const told = await on.found(access, { touchAfterMs: on.units(30) });
    const after = await on.found(access);
    const { lastAccessedAt, expiresAt } = after;
    assert.ok(lastAccessedAt >= before.lastAccessedAt + on.units(1));
    assert.equal(expiresAt, lastAccessedAt + on.lifetime.idleTimeoutMs);
    assert.deepEqual(told, { ...before, expiresAt }, 'the answer tells of the time before, and the new end of life');
    assert.deepEqual(after, { ...before, lastAccessedAt, expiresAt, joined: true, confirmed: true });
  },

  '[L5] an unchanged copy joins as well': async (on) => {
    const { access, stamp } = await on.begin();
    const result = await on.store.load(access, { known: stamp, touchAfterMs: on.units(30) });
    assert(result.outcome === 'unchanged');
    const after = await on.found(access);
    assert.deepEqual([result.times.joined, result.times.confirmed], [false, false]);
    assert.deepEqual([after.joined, after.confirmed], [true, true]);
    assert.equal(result.times.expiresAt, after.expiresAt);
  },

  '[L5] the first request that comes with a new id confirms it, and the end of life moves': async (on) => {
    const begun = await on.beginJoined();
    const { access } = await on.renew(begun.access);
    const before = await on.found(access);
    assert.deepEqual([before.joined, before.confirmed], [true, false]);
    await on.pass(1);
    const told = await on.found(access, { touchAfterMs: on.units(30) });
    const after = await on.found(access);
    const { lastAccessedAt, expiresAt } = after;
    assert.ok(lastAccessedAt >= before.lastAccessedAt + on.units(1));
    assert.equal(expiresAt, lastAccessedAt + on.lifetime.idleTimeoutMs);
    assert.deepEqual(told, { ...before, expiresAt });
    assert.deepEqual(after, { ...before, lastAccessedAt, expiresAt, confirmed: true });
  },

  '[L5] a load by the application is no request of the client, but it moves the end of life': async (on) => {
    const { access } = await on.begin();
    const handle = { key: access.key, logins: 0 };
    const before = await on.found(access);
    await on.pass(1);
    assert.deepEqual(await on.found(handle, { touchAfterMs: on.units(30) }), before);
    assert.deepEqual(await on.found(access), before);
    const { expiresAt } = await on.found(handle, { touchAfterMs: on.units(1) });
    const after = await on.found(access);
    const { lastAccessedAt } = after;
    assert.ok(lastAccessedAt >= before.lastAccessedAt + on.units(1));
    assert.equal(expiresAt, lastAccessedAt + on.lifetime.unjoinedTimeoutMs);
    assert.deepEqual(after, { ...before, lastAccessedAt, expiresAt });
  },

  '[L5] the end of life moves when it was not moved for touchAfterMs': async (on) => {
    const { access, stamp } = await on.beginJoined();
    const before = await on.found(access);
    await on.pass(3);
    const result = await on.found(access, { touchAfterMs: on.units(3) });
    assert.deepEqual([result.lastAccessedAt, result.joined, result.confirmed], [before.lastAccessedAt, true, true]);
    const after = await on.found(access);
    assert.equal(after.expiresAt, result.expiresAt);
    assert.equal(after.expiresAt, after.lastAccessedAt + on.lifetime.idleTimeoutMs);
    assert.ok(after.expiresAt >= before.expiresAt + on.units(3));
    assert.equal(after.stamp, stamp);
  },

  '[L5] the end of life stays while it was moved lately': async (on) => {
    const { access, stamp } = await on.beginJoined();
    const before = await on.found(access);
    await on.pass(1);
    assert.deepEqual(await on.found(access, { touchAfterMs: on.units(30) }), before);
    await on.store.load(access, { touchAfterMs: on.units(30), known: stamp });
    assert.deepEqual(await on.found(access), before);
  },

  '[L5] the end of life never moves past the absolute end': async (on) => {
    const lifetime = { ...on.lifetime, absoluteTimeoutMs: on.units(6) };
    const { access } = await on.begin({}, { lifetime });
    await on.pass(1);
    const { createdAt, expiresAt } = await on.found(access, { touchAfterMs: 0 });
    assert.equal(expiresAt, createdAt + on.units(6));
    assert.equal((await on.found(access)).expiresAt, createdAt + on.units(6));
  },

  '[L5] without touchAfterMs nothing changes': async (on) => {
    const { access, stamp } = await on.begin();
    const before = await on.found(access);
    await on.pass(1);
    await on.store.load(access, { known: stamp });
    const after = await on.found(access);
    assert.deepEqual(after, before);
    assert.equal(after.expiresAt, sessionExpiry(after, on.lifetime));
  },
};
