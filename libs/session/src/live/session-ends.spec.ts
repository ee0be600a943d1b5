import { setImmediate as endOfTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SessionEndedError } from '../errors/session-ended.error.js';
import { ManualClock } from '../testing/manual-clock.js';
import { MemorySessionStore } from '../store/memory/memory-session-store.js';
import { accessOf, generateSessionId } from '../store/session-id.js';
import type { LoadResult, SessionWatch } from '../store/session-store.js';
import { StoreGateway } from '../store/store-gateway.js';
import { SessionEnds } from './session-ends.js';

const session = { key: accessOf(generateSessionId()).key, logins: 1 };
const HOUR = 3_600_000;

describe('SessionEnds', () => {
  let clock: ManualClock;
  let watch: { toldUntil: number };
  let answer: () => Promise<LoadResult>;
  let looks: number;
  let notify: (key: string) => void;
  let ends: SessionEnds;
  let told: SessionEndedError[];
  let stop: () => void;

  const times = () => ({
    createdAt: 0,
    authenticatedAt: 0,
    lastAccessedAt: 0,
    expiresAt: clock.now() + HOUR,
    joined: true,
    confirmed: true,
  });
  const alive = (): Promise<LoadResult> => Promise.resolve({ outcome: 'unchanged', times: times(), watch });

  /** Time passes, in seconds; the store tells of changes meanwhile if it has not stopped to. */
  const pass = async (seconds: number, isTelling = true): Promise<void> => {
    for (let i = 0; i < seconds; i++) {
      if (isTelling) watch.toldUntil = performance.now();
      await jest.advanceTimersByTimeAsync(1_000);
    }
  };

  function start(hasNotices: boolean): void {
    const load = (): Promise<LoadResult> => {
      looks++;
      return answer();
    };
    const notices = hasNotices ? { subscribe: (onChange: typeof notify) => void (notify = onChange) } : undefined;
    const store = Object.assign(new MemorySessionStore(), { shared: true, load, notices });
    ends = new SessionEnds(new StoreGateway(store, 1_000), clock);
    stop = ends.watch(session, (error) => void told.push(error));
  }

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
    [clock, watch, looks, told, answer] = [new ManualClock(), { toldUntil: 0 }, 0, [], alive];
  });
  afterEach(() => {
    ends.close();
    jest.useRealTimers();
  });

  it('looks once at each of 1,000 sessions whose store tells of changes, however long nothing happens', async () => {
    start(true);
    for (let i = 1; i < 1_000; i++) {
      const { key } = accessOf(generateSessionId());
      ends.watch({ key, logins: 0 }, (error) => void told.push(error));
    }
    await pass(600);
    expect(looks).toBe(1_000);
    expect(told).toHaveLength(0);
  });

  it('looks every 5 s where the store tells nothing, and where it has stopped to', async () => {
    start(false);
    await pass(50);
    expect(looks).toBeGreaterThanOrEqual(9);
    expect(looks).toBeLessThanOrEqual(11);
    ends.close();
    start(true);
    await pass(50);
    looks = 0;
    watch = { toldUntil: 0 } satisfies SessionWatch;
    await pass(50, false);
    expect(looks).toBeGreaterThanOrEqual(8);
    expect(looks).toBeLessThanOrEqual(11);
  });

  it('looks at a notice, and again at one that came while it looked', async () => {
    start(true);
    await pass(1);
    let release: (result: LoadResult) => void = () => undefined;
    answer = () => new Promise((resolve) => (release = resolve));
    notify(session.key);
    answer = () => Promise.resolve({ outcome: 'none' });
    notify(session.key);
    expect(looks).toBe(2);
    release(await alive());
    await pass(1);
    expect(looks).toBe(3);
    expect(told.map(({ code, reason }) => [code, reason])).toStrictEqual([['SESSION_ENDED', undefined]]);
  });

  it('takes no failure for an end, and asks again soon, also where the store goes on telling', async () => {
    start(true);
    await pass(1);
    answer = () => Promise.reject(new Error('down'));
    notify(session.key);
    await pass(20);
    expect(told).toHaveLength(0);
    answer = () => Promise.resolve({ outcome: 'none' });
    await pass(2);
    expect(told).toHaveLength(1);
  });

  it('looks when the time of the session is over', async () => {
    start(true);
    await pass(1);
    answer = () => Promise.resolve({ outcome: 'none' });
    clock.advance(HOUR + 1);
    await pass(2);
    expect(told.map(({ reason }) => reason)).toStrictEqual(['expired']);
  });

  it('tells what this server does in the same turn, once, and only those of these logins', async () => {
    start(true);
    const next: string[] = [];
    ends.watch({ ...session, logins: 2 }, ({ reason }) => void next.push(reason ?? ''));
    ends.loggedIn({ ...session, logins: 2 });
    ends.ended(session, 'logout');
    expect(told.map(({ reason }) => reason)).toStrictEqual(['login']);
    ends.ended({ ...session, logins: 2 }, 'logout');
    expect(next).toStrictEqual(['logout']);
    expect(ends.size).toBe(0);
  });

  it('tells nothing after it was stopped, and asks nothing any more', async () => {
    start(false);
    await pass(1);
    stop();
    looks = 0;
    ends.ended(session, 'logout');
    await pass(20);
    expect([looks, told.length, ends.size]).toStrictEqual([0, 0, 0]);
    await endOfTurn();
  });
});
