import { describe, expect, it } from '@jest/globals';
import { SharedLifetime } from './shared-lifetime.js';

const usual = { idleTimeoutMs: 1, absoluteTimeoutMs: 2, unjoinedTimeoutMs: 3 };

describe('a shared lifetime', () => {
  it('is one object for sessions with equal lifetimes', () => {
    const lifetimes = new SharedLifetime();
    const first = lifetimes.of({ ...usual });

    expect(first).toEqual(usual);
    expect(lifetimes.of({ ...usual })).toBe(first);
  });

  it('is not the object of the caller, who may change it', () => {
    const lifetimes = new SharedLifetime();
    const given = { ...usual };
    const kept = lifetimes.of(given);
    given.idleTimeoutMs = 9;

    expect(kept).toEqual(usual);
  });

  it('makes no new object for a session that has one already, when others have another lifetime', () => {
    const lifetimes = new SharedLifetime();
    const first = lifetimes.of(usual);
    const second = lifetimes.of({ ...usual, idleTimeoutMs: 7 });

    expect(lifetimes.of(first)).toBe(first);
    expect(lifetimes.of(second)).toBe(second);
  });
});
