import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { sessionExpiry } from '../store/session-record.js';
import { endAfter, endBefore, isAnotherStep, keptForMs } from './end-of-life.js';

const MINUTE = 60_000;
const lifetime = { idleTimeoutMs: 30 * MINUTE, absoluteTimeoutMs: 720 * MINUTE, unjoinedTimeoutMs: 5 * MINUTE };

/** A session that was used now, by the clock of the store. */
function usedAt(now: number, joined = true) {
  const times = { createdAt: 0, authenticatedAt: undefined, lastAccessedAt: now, joined };
  return { ...times, confirmed: joined, expiresAt: sessionExpiry(times, lifetime) };
}

const anyTime = fc.integer({ min: 0, max: lifetime.absoluteTimeoutMs - 1 });
const anyClock = fc.integer({ min: -1e9, max: 1e9 });

describe('A4 the end of life that clients are told', () => {
  it('is a step later than that of the session, and never beyond the absolute end', () => {
    fc.assert(
      fc.property(anyTime, (now) => {
        const left = usedAt(now).expiresAt - now;
        const kept = keptForMs(usedAt(now), lifetime, now);
        expect(kept).toBeGreaterThanOrEqual(left);
        expect(kept).toBeLessThanOrEqual(Math.min(left + 3 * MINUTE, lifetime.absoluteTimeoutMs - now));
      }),
    );
  });

  it('does not depend on the clock of this server, except in the last idle timeout before the absolute end', () => {
    fc.assert(
      fc.property(anyTime, anyClock, fc.boolean(), (now, clock, joined) => {
        fc.pre(now < lifetime.absoluteTimeoutMs - lifetime.idleTimeoutMs);
        const times = usedAt(now, joined);
        expect(keptForMs(times, lifetime, clock)).toBe(keptForMs(times, lifetime, now));
      }),
    );
  });

  it('is not behind us whatever that clock says', () => {
    fc.assert(
      fc.property(anyTime, anyClock, (now, clock) => {
        expect(keptForMs(usedAt(now), lifetime, clock)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is told anew at each step: the client keeps the id at least as long as the session lives', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 25 * MINUTE }), { maxLength: 50 }), (gaps) => {
        let now = 0;
        let told = 0;
        for (const gap of gaps) {
          const before = usedAt(now);
          now += gap;
          if (now >= lifetime.absoluteTimeoutMs) return;
          // A load answers with the times from before it, except the end.
          const answer = { ...before, expiresAt: usedAt(now).expiresAt };
          const isTold = isAnotherStep(endBefore(answer, lifetime), endAfter(answer, lifetime), lifetime);
          if (isTold) told = now;
          expect(told + keptForMs(usedAt(told), lifetime, told)).toBeGreaterThanOrEqual(usedAt(now).expiresAt);
        }
      }),
    );
  });
});
