import assert from 'node:assert/strict';
import { sessionExpiry } from '../../store/session-record.js';
import type { ContractRules } from '../store-under-test.js';

export const joinRules: ContractRules = {
  '[L5] the first request that comes back with the id joins': async (on) => {
    const { key } = await on.begin();
    const before = await on.found(key);
    await on.pass(1);
    const { expiresAt, joined, lastAccessedAt } = await on.found(key, { touchAfterMs: on.units(30) });
    assert.deepEqual({ joined, lastAccessedAt }, { joined: false, lastAccessedAt: before.lastAccessedAt });
    const after = await on.found(key);
    assert.equal(after.joined, true);
    assert.ok(after.lastAccessedAt >= before.lastAccessedAt + on.units(1));
    assert.equal(after.expiresAt, after.lastAccessedAt + on.lifetime.idleTimeoutMs);
    assert.equal(expiresAt, after.expiresAt, 'the answer tells the new end of life');
    assert.equal(after.stamp, before.stamp);
    assert.deepEqual(after.parts, before.parts);
  },

  '[L5] an unchanged copy joins as well': async (on) => {
    const { key, stamp } = await on.begin();
    const result = await on.store.load(key, { known: stamp, touchAfterMs: on.units(30) });
    assert(result.outcome === 'unchanged');
    const after = await on.found(key);
    assert.deepEqual([result.times.joined, after.joined], [false, true]);
    assert.equal(result.times.expiresAt, after.expiresAt);
  },

  '[L5] the end of life moves when it was not moved for touchAfterMs': async (on) => {
    const { key, stamp } = await on.beginJoined();
    const before = await on.found(key);
    await on.pass(3);
    const result = await on.found(key, { touchAfterMs: on.units(3) });
    assert.deepEqual([result.lastAccessedAt, result.joined], [before.lastAccessedAt, true]);
    const after = await on.found(key);
    assert.equal(after.expiresAt, result.expiresAt);
    assert.equal(after.expiresAt, after.lastAccessedAt + on.lifetime.idleTimeoutMs);
    assert.ok(after.expiresAt >= before.expiresAt + on.units(3));
    assert.equal(after.stamp, stamp);
  },

  '[L5] the end of life stays while it was moved lately': async (on) => {
    const { key, stamp } = await on.beginJoined();
    const before = await on.found(key);
    await on.pass(1);
    assert.deepEqual(await on.found(key, { touchAfterMs: on.units(30) }), before);
    await on.store.load(key, { touchAfterMs: on.units(30), known: stamp });
    assert.deepEqual(await on.found(key), before);
  },

  '[L5] the end of life never moves past the absolute end': async (on) => {
    const lifetime = { ...on.lifetime, absoluteTimeoutMs: on.units(6) };
    const { key } = await on.begin({}, lifetime);
    await on.pass(1);
    const { createdAt, expiresAt } = await on.found(key, { touchAfterMs: 0 });
    assert.equal(expiresAt, createdAt + on.units(6));
    assert.equal((await on.found(key)).expiresAt, createdAt + on.units(6));
  },

  '[L5] without touchAfterMs nothing changes': async (on) => {
    const { key, stamp } = await on.begin();
    const before = await on.found(key);
    await on.pass(1);
    await on.store.load(key, { known: stamp });
    const after = await on.found(key);
    assert.deepEqual(after, before);
    assert.equal(after.expiresAt, sessionExpiry(after, on.lifetime));
  },
};
