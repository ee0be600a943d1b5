import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '../testing/manual-clock.js';
import type { SessionWatch } from '../store/session-store.js';
import { LiveSession } from './live-session.js';
import { NearCache } from './near-cache.js';
import type { StoreGateway } from '../store/store-gateway.js';

const MINUTE = 60_000;
const lifetime = { idleTimeoutMs: 30 * MINUTE, absoluteTimeoutMs: 720 * MINUTE, unjoinedTimeoutMs: 5 * MINUTE };
const clock = new ManualClock();
const settings = { clock, touchIntervalMs: MINUTE, maxSessionBytes: 1024 * 1024 };

function live(name: string, payload = '1{}', watch?: SessionWatch): LiveSession {
  const now = clock.now();
  const record = {
    createdAt: now,
    authenticatedAt: undefined,
    lastAccessedAt: now,
    expiresAt: now + 30 * MINUTE,
    joined: true,
    confirmed: true,
    proof: 'proof',
    generation: 0,
    logins: 0,
    principal: undefined,
    stamp: '7.x',
    lifetime,
    parts: new Map([['bean', { version: '7.x', payload }]]),
  };
  return new LiveSession({ key: name, proof: record.proof }, {} as StoreGateway, settings, record, { watch });
}

/** What a near cache counts a session for. */
function bytesOf(session: LiveSession): number {
  const cache = new NearCache({ mode: 'validate', maxSessions: 1, maxBytes: 1e9, maxStalenessMs: 0 });
  cache.keep(session);
  return cache.bytes;
}

describe('what a near cache keeps', () => {
  it('is bounded by number: those unused for longest go', () => {
    const cache = new NearCache({ mode: 'validate', maxSessions: 2, maxBytes: 1e9, maxStalenessMs: 0 });
    const [one, two, three] = [live('one'), live('two'), live('three')];
    expect([cache.keep(one), cache.keep(two)]).toEqual([[], []]);
    cache.remove(one);
    expect(cache.keep(one)).toEqual([]);
    expect(cache.keep(three)).toEqual([two]);
    expect(cache.size).toBe(2);
  });

  it('is bounded by bytes, and nothing is kept that is larger than all', () => {
    const small = bytesOf(live('small'));
    const cache = new NearCache({ mode: 'validate', maxSessions: 100, maxBytes: 3 * small, maxStalenessMs: 0 });
    const sessions = ['a', 'b', 'c', 'd'].map((name) => live(name));
    expect(sessions.map((session) => cache.keep(session).length)).toEqual([0, 0, 0, 1]);
    expect(cache.bytes).toBe(3 * small);
    const huge = live('huge', `1{"text":"${'x'.repeat(small * 3)}"}`);
    expect(cache.keep(huge)).toContain(huge);
    expect(cache.bytes).toBe(0);
  });

  it('gives back the bytes that a session was counted for, however it has grown since', () => {
    const cache = new NearCache({ mode: 'validate', maxSessions: 100, maxBytes: 1e9, maxStalenessMs: 0 });
    const session = live('one');
    cache.keep(session);
    cache.remove(session);
    cache.remove(session);
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
  });

  it('does not hold on to sessions that nobody came back to', () => {
    const cache = new NearCache({ mode: 'validate', maxSessions: 100, maxBytes: 1e9, maxStalenessMs: 0 });
    const [one, two] = [live('one'), live('two')];
    cache.keep(one);
    cache.keep(two);
    clock.advance(31 * MINUTE);
    expect(cache.keep(live('three'))).toEqual([one, two]);
  });
});

describe('a copy is served unasked', () => {
  const bounded = new NearCache({ mode: 'bounded', maxSessions: 100, maxBytes: 1e9, maxStalenessMs: 200 });
  let now = 1_000;

  beforeEach(() => {
    now = 1_000;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('while the last sign that all was told is young enough', () => {
    const session = live('one', '1{}', { toldUntil: 1_000 });
    expect(bounded.trusts(session, 7)).toBe(true);
    now = 1_200;
    expect(bounded.trusts(session, 7)).toBe(true);
    now = 1_201;
    expect(bounded.trusts(session, 7)).toBe(false);
  });

  it.each<[string, () => LiveSession, number | undefined]>([
    ['its client does not say what it has seen', () => live('one', '1{}', { toldUntil: 1_000 }), undefined],
    ['nobody watches it', () => live('one'), 0],
    ['its watch was doubted', () => live('one', '1{}', { toldUntil: -Infinity }), 0],
    ['its client has seen a newer state', () => live('one', '1{}', { toldUntil: 1_000 }), 8],
    [
      'somebody else may have changed it',
      () => {
        const session = live('one', '1{}', { toldUntil: 1_000 });
        session.untrustWatch();
        return session;
      },
      0,
    ],
    [
      'the store must hear that it is in use',
      () => {
        const session = live('one', '1{}', { toldUntil: 1_000 });
        clock.advance(MINUTE);
        return session;
      },
      0,
    ],
  ])('not when %s', (_when, make, seen) => {
    expect(bounded.trusts(make(), seen)).toBe(false);
  });

  it('never in mode validate', () => {
    const validate = new NearCache({ mode: 'validate', maxSessions: 100, maxBytes: 1e9, maxStalenessMs: 0 });
    expect(validate.trusts(live('one', '1{}', { toldUntil: 1_000 }), 0)).toBe(false);
  });
});
