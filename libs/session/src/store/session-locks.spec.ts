import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SessionBusyError } from '../errors/session-busy.error.js';
import { MemorySessionStore } from './memory/memory-session-store.js';
import { accessOf, generateSessionId, renewedSessionId } from './session-id.js';
import { type SessionLock, SessionLocks, WaitingLine } from './session-locks.js';
import type { LockResult } from './session-store.js';
import { StoreGateway } from './store-gateway.js';

const access = accessOf(generateSessionId());

/** A memory store that one server has for itself: it needs no locks of its own. */
function locksOfOneServer(): SessionLocks {
  return new SessionLocks(new StoreGateway(new MemorySessionStore(), 1_000));
}

/** Locks in a store that servers share, which gives these answers, the last one again and again. */
function locksThatAnswer(...outcomes: LockResult['outcome'][]) {
  const calls: string[] = [];
  const locks = {
    acquire: ({ proof }: { proof?: string | undefined }): LockResult => {
      calls.push(`acquire ${proof}`);
      return { outcome: (outcomes.length > 1 ? outcomes.shift() : outcomes[0]) as LockResult['outcome'] };
    },
    release: (key: string) => void calls.push(`release ${key}`),
  };
  const store = Object.assign(new MemorySessionStore(), { shared: true, locks });
  return { locks: new SessionLocks(new StoreGateway(store, 1_000)), calls };
}

async function acquired(locks: SessionLocks, by = access, waitMs = 60_000): Promise<SessionLock> {
  const lock = await locks.acquire(by, waitMs);
  if (typeof lock === 'string') throw new Error(`the answer was ${lock}`);
  return lock;
}

describe('locks of sessions', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['performance', 'setTimeout', 'setImmediate', 'nextTick'] }));
  afterEach(() => void jest.useRealTimers());

  it('are asked for until the one who has the lock gives it back', async () => {
    const { locks, calls } = locksThatAnswer('held', 'held', 'locked');

    const lock = await acquired(locks);

    expect(calls).toHaveLength(3);
    expect(lock.tokenFor(access.key)).toMatch(/^[A-Za-z0-9_-]{16}$/);
    expect(lock.tokenFor(accessOf(generateSessionId()).key)).toBeUndefined();
    await lock.release();
    await lock.release();
    expect(calls.slice(3)).toEqual([`release ${access.key}`]);
    expect(locks.size).toBe(0);
  });

  it('are given up when the time is over', async () => {
    const { locks } = locksThatAnswer('held');

    await expect(locks.acquire(access, 1)).rejects.toThrow(SessionBusyError);
    expect(locks.size).toBe(0);
  });

  it.each(['none', 'superseded'] as const)('are not given when the store answers %s', async (outcome) => {
    const { locks } = locksThatAnswer(outcome);

    expect(await locks.acquire(access, 60_000)).toBe(outcome);
    expect(locks.size).toBe(0);
  });

  it('go on under the new id when their holder renews it', async () => {
    const { locks, calls } = locksThatAnswer('locked');
    const renewed = accessOf(renewedSessionId(access.key));
    const lock = await acquired(locks);
    const token = lock.tokenFor(access.key);

    lock.renewed(renewed);
    jest.advanceTimersToNextTimer();

    expect(calls).toEqual([`acquire ${access.proof}`, `acquire ${renewed.proof}`]);
    expect(lock.tokenFor(renewed.key)).toBe(token);
    lock.renewed(accessOf(generateSessionId()));
    expect(lock.tokenFor(renewed.key)).toBe(token);
    await lock.release();
    jest.advanceTimersByTime(60_000);
    expect(calls).toHaveLength(3);
  });
});

describe('locks on one server', () => {
  const renewed = accessOf(renewedSessionId(access.key));

  it('do not keep those waiting who have another id of the session', async () => {
    const locks = locksOfOneServer();
    const former = await acquired(locks);
    await expect(locks.acquire(access, 1)).rejects.toThrow(SessionBusyError);

    const lock = await acquired(locks, renewed, 1);

    expect(locks.size).toBe(2);
    await former.release();
    await expect(locks.acquire(renewed, 1)).rejects.toThrow(SessionBusyError);
    await lock.release();
    expect(locks.size).toBe(0);
  });

  it('keep those waiting who have the new id that their holder gave the session, and the former one', async () => {
    const locks = locksOfOneServer();
    const lock = await acquired(locks);

    lock.renewed(renewed);

    for (const by of [access, renewed]) await expect(locks.acquire(by, 1)).rejects.toThrow(SessionBusyError);
    const next = acquired(locks, renewed);
    await lock.release();
    await (await next).release();
    expect(locks.size).toBe(0);
  });
});

describe('a waiting line', () => {
  it('lets one in at a time, in order of arrival', async () => {
    const emptied = jest.fn();
    const line = new WaitingLine(emptied);
    const order: number[] = [];
    const visits = [1, 2, 3].map(async (n) => {
      await line.enter(60_000);
      order.push(n);
      await Promise.resolve();
      expect(order.at(-1)).toBe(n);
      line.next();
    });
    await Promise.all(visits);
    expect(order).toEqual([1, 2, 3]);
    expect(emptied).toHaveBeenCalledTimes(1);
  });

  it('lets go of those who have waited long enough, and goes on without them', async () => {
    const emptied = jest.fn();
    const line = new WaitingLine(emptied);
    await line.enter(0);
    const impatient = line.enter(1);
    const patient = line.enter(60_000);
    expect(await impatient).toBe(false);
    line.next();
    expect(await patient).toBe(true);
    expect(emptied).not.toHaveBeenCalled();
    line.next();
    expect(emptied).toHaveBeenCalledTimes(1);
  });
});
