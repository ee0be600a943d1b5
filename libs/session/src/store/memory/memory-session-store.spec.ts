import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { ManualClock } from '../../testing/manual-clock.js';
import type { SessionCreation, SessionUpdate } from '../session-change.js';
import type { ClientAccess } from '../session-id.js';
import type { SessionRecord } from '../session-record.js';
import { MemorySessionStore } from './memory-session-store.js';
import type { MemorySessionStoreOptions } from './memory-session-store.options.js';

const LIFETIME = { idleTimeoutMs: 1_800_000, absoluteTimeoutMs: 43_200_000, unjoinedTimeoutMs: 300_000 };
const DAY = 86_400_000;

let writes = 0;

function accessTo(key: string): ClientAccess {
  return { key, proof: `proof of ${key}` };
}

function creation(key: string, payload = '{}'): SessionCreation {
  const parts = new Map([['bean', { base: null, payload }]]);
  return { ...accessTo(key), writeId: `w${writes++}`, mode: 'create', lifetime: LIFETIME, parts };
}

function loginOf(key: string, payload?: string): SessionCreation {
  return { ...creation(key, payload), principal: key };
}

/** Begins the session of a user who comes back with it. */
function logIn(store: MemorySessionStore, key: string, payload?: string): ReturnType<MemorySessionStore['save']> {
  const saved = store.save(loginOf(key, payload));
  store.load(accessTo(key), { touchAfterMs: 60_000 });
  return saved;
}

function update(key: string, base: string | null, payload: string | null): SessionUpdate {
  const parts = new Map([['bean', { base, payload }]]);
  return { mode: 'update', access: accessTo(key), writeId: `w${writes++}`, parts };
}

describe('options of the memory store', () => {
  it.each([
    [{ maxSessions: 0 }, 'maxSessions = 0: allowed is a whole number from 1 to 16000000'],
    [{ maxSessions: 16_000_001 }, 'maxSessions = 16000001: allowed is'],
    [{ maxSessions: 1.5 }, 'maxSessions = 1.5: allowed is'],
    [{ maxSessions: '5' as unknown as number }, 'maxSessions = "5": allowed is'],
    [{ maxBytes: Infinity }, 'maxBytes = Infinity: allowed is a whole number of bytes from 1'],
    [{ maxBytes: -1 }, 'maxBytes = -1: allowed is'],
    [{ clock: {} as ManualClock }, 'clock = Object: allowed is an object with a method now()'],
    [{ clock: null as unknown as ManualClock }, 'clock = null: allowed is'],
    [{ maxSession: 5 } as MemorySessionStoreOptions, '"maxSession": no such option; there are maxSessions, maxBytes'],
  ])('%j is refused', (options, text) => {
    const construct = () => new MemorySessionStore(options);

    expect(construct).toThrow(SessionConfigurationError);
    expect(construct).toThrow(`MemorySessionStore option ${text}`);
  });

  it('may be left out', () => {
    const store = new MemorySessionStore({ maxSessions: undefined });

    expect(store.save(creation('a'))).toMatchObject({ outcome: 'saved' });
    store.close();
  });
});

describe('bounds of the memory store', () => {
  const clock = new ManualClock();
  const full = { code: 'SESSION_STORE_UNAVAILABLE', status: 503, operation: 'save', store: 'memory', applied: false };

  it('refuses a new session beyond maxSessions while nothing may go, living ones go on', async () => {
    const store = new MemorySessionStore({ clock, maxSessions: 2 });
    logIn(store, 'a');
    logIn(store, 'b');

    await expect(async () => store.save(creation('c'))).rejects.toMatchObject(full);
    await expect(async () => store.save(loginOf('c'))).rejects.toMatchObject({
      detail: expect.stringMatching(/would pass maxSessions, which is 2; raise maxSessions/),
    });

    expect(store.save(update('a', null, '2'))).toMatchObject({ outcome: 'conflict' });
    expect(store.load(accessTo('c'))).toEqual({ outcome: 'none' });
    expect(store.save(creation('b'))).toMatchObject({ outcome: 'conflict' });
    store.destroy(accessTo('a'));
    expect(store.save(creation('c'))).toMatchObject({ outcome: 'saved' });
    store.close();
  });

  it('R30 F39 gives up sessions in their order: those that nobody came back to, idle ones, others for a login', () => {
    const store = new MemorySessionStore({ clock, maxSessions: 3 });
    const has = (key: string): boolean => store.load(accessTo(key)).outcome === 'found';
    store.save(creation('visitor'));
    store.load(accessTo('visitor'), { touchAfterMs: 60_000 });
    logIn(store, 'alice');
    store.save(creation('stranger'));

    store.save(creation('next'));
    expect(['visitor', 'alice', 'stranger', 'next'].map(has)).toEqual([true, true, false, true]);
    store.load(accessTo('next'), { touchAfterMs: 60_000 });
    store.load(accessTo('alice'), { touchAfterMs: 60_000 });
    expect(() => store.save(creation('other'))).toThrow(expect.objectContaining(full));

    store.save(loginOf('bob'));
    expect(['visitor', 'alice', 'next', 'bob'].map(has)).toEqual([false, true, true, true]);
    store.load(accessTo('bob'), { touchAfterMs: 60_000 });
    clock.advance(LIFETIME.idleTimeoutMs / 2);
    store.save(creation('other'));
    expect(['alice', 'next', 'bob', 'other'].map(has)).toEqual([true, false, true, true]);
    expect(store.figures()).toMatchObject({ evicted: 3 });
    store.close();
  });

  it('refuses new sessions from 90 % of maxBytes and keeps the rest for living ones', async () => {
    const maxBytes = 100_000;
    const store = new MemorySessionStore({ clock, maxBytes });
    const first = logIn(store, 'first', 'x'.repeat(1_000));
    let created = 0;
    const createAll = async (): Promise<never> => {
      for (;;) logIn(store, `${created++}`, 'x'.repeat(1_000));
    };
    await expect(createAll()).rejects.toMatchObject({
      detail: expect.stringMatching(/would pass maxBytes, which is 100000; raise maxBytes/),
    });
    expect(store.bytes).toBeGreaterThan(0.85 * maxBytes);
    expect(store.bytes).toBeLessThanOrEqual(0.9 * maxBytes);

    const base = first.outcome === 'saved' ? first.stamp : null;
    expect(store.save(update('first', base, 'x'.repeat(4_000)))).toMatchObject({ outcome: 'saved' });
    expect(store.bytes).toBeGreaterThan(0.9 * maxBytes);
    store.close();
  });

  it('refuses an update that would pass maxBytes, and keeps the state there was', async () => {
    const store = new MemorySessionStore({ clock, maxBytes: 10_000 });
    store.save(creation('a', 'before'));
    const before = store.load(accessTo('a'));
    const base = before.outcome === 'found' ? before.record.stamp : null;
    const bytes = store.bytes;

    clock.advance(1_000);
    await expect(async () => store.save(update('a', base, 'x'.repeat(10_000)))).rejects.toMatchObject(full);
    expect(store.load(accessTo('a'))).toEqual(before);
    expect(store.bytes).toBe(bytes);

    expect(store.save(update('a', base, null))).toMatchObject({ outcome: 'saved' });
    expect(store.bytes).toBeLessThan(bytes);
    store.close();
  });

  it('[I8] accepts a renewal beyond maxBytes, with parts and a login, and counts it', async () => {
    const store = new MemorySessionStore({ clock, maxSessions: 1, maxBytes: 10_000 });
    store.save(creation('a', 'before'));
    const renewal = { proof: 'new', principal: 'alice' };
    const { record } = store.load(accessTo('a')) as { record: SessionRecord };
    const grown = update('a', record.stamp, 'x'.repeat(10_000));

    await expect(async () => store.save(grown)).rejects.toMatchObject(full);
    // A new id alone must not be a way around the bound.
    await expect(async () => store.save({ ...grown, renewal: { proof: 'new' } })).rejects.toMatchObject(full);
    expect(store.save({ ...grown, renewal })).toMatchObject({ outcome: 'saved' });
    expect(store.bytes).toBeGreaterThan(20_000);

    store.destroy({ key: 'a', logins: 1 });
    expect([store.size, store.bytes]).toEqual([0, 0]);
    store.close();
  });

  it('removes expired sessions before it refuses', () => {
    const store = new MemorySessionStore({ clock, maxSessions: 1_000 });
    for (let i = 0; i < 1_000; i++) store.save(creation(`old${i}`));
    clock.advance(LIFETIME.unjoinedTimeoutMs + 1_000);

    for (let i = 0; i < 1_000; i++) store.save(creation(`new${i}`));

    expect(store.figures()).toMatchObject({ sessions: 1_000, evicted: 0 });
    expect(store.load(accessTo('old0'))).toEqual({ outcome: 'none' });
    expect(store.load(accessTo('new0'))).toMatchObject({ outcome: 'found' });
    store.close();
  });

  it('counts bytes to zero when all sessions are gone, by whichever way', () => {
    const store = new MemorySessionStore({ clock });
    for (let i = 0; i < 10; i++) {
      const { stamp } = store.save(creation(`${i}`, 'ż'.repeat(i))) as { stamp: string };
      store.save(update(`${i}`, stamp, i % 2 === 0 ? null : 'x'.repeat(100)));
      if (i < 5) store.destroy(accessTo(`${i}`));
    }
    clock.advance(DAY);
    store.load(accessTo('5'));
    store.load(accessTo('none'));

    expect([store.size, store.bytes]).toEqual([0, 0]);
    store.close();
  });

  it('holds nothing of sessions that are created and destroyed in a circle', () => {
    const store = new MemorySessionStore({ clock, maxSessions: 1 });
    for (let i = 0; i < 50_000; i++) {
      store.save(creation(`${i}`));
      store.destroy(accessTo(`${i}`));
    }

    expect([store.size, store.bytes]).toEqual([0, 0]);
    store.close();
  });

  it('stays within its bounds for ten times as many strangers, keeps its users and one timer', () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
    const store = new MemorySessionStore({ clock, maxSessions: 10_000 });
    for (let i = 0; i < 100; i++) logIn(store, `user${i}`);
    for (let i = 0; i < 100_000; i++) store.save(creation(`${i}`));

    expect(store.figures()).toMatchObject({ sessions: 10_000, evicted: 90_100 });
    expect(jest.getTimerCount()).toBe(1);
    for (let i = 0; i < 100; i++) expect(store.load(accessTo(`user${i}`))).toMatchObject({ outcome: 'found' });
    expect(store.load(accessTo('90099'))).toEqual({ outcome: 'none' });
    expect(store.load(accessTo('90100'))).toMatchObject({ outcome: 'found' });
    store.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
});

describe('timer of the memory store', () => {
  const clock = new ManualClock();

  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('runs while there are sessions', () => {
    const store = new MemorySessionStore({ clock });
    expect(jest.getTimerCount()).toBe(0);
    store.save(creation('a'));
    store.save(creation('b'));
    expect(jest.getTimerCount()).toBe(1);
    store.destroy(accessTo('a'));
    expect(jest.getTimerCount()).toBe(1);
    store.destroy(accessTo('b'));
    expect(jest.getTimerCount()).toBe(0);
    store.save(creation('c'));
    expect(jest.getTimerCount()).toBe(1);
    store.close();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('frees what expired without any call, in slices, and stops', () => {
    const store = new MemorySessionStore({ clock });
    for (let i = 0; i < 12_000; i++) store.save(creation(`${i}`));
    clock.advance(30 * DAY);

    const sizes = [1, 2, 3].map(() => {
      jest.advanceTimersByTime(1_000);
      return store.size;
    });

    expect(sizes).toEqual([7_000, 2_000, 0]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not start again after close, while running requests still get answers', () => {
    const store = new MemorySessionStore({ clock });
    store.save(creation('a'));
    store.close();
    store.save(creation('b'));

    expect(jest.getTimerCount()).toBe(0);
    expect(store.load(accessTo('a'))).toMatchObject({ outcome: 'found' });
  });

  it('does not keep the process alive', () => {
    jest.useRealTimers();
    const started = jest.spyOn(globalThis, 'setInterval');
    const store = new MemorySessionStore({ clock });
    store.save(creation('a'));

    expect(started.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([false]);
    store.close();
    started.mockRestore();
  });
});

describe('clock of the memory store', () => {
  it('may be set back: sessions live on and end when it is time', () => {
    const clock = new ManualClock();
    const store = new MemorySessionStore({ clock });
    store.save(creation('a'));
    clock.advance(-DAY);
    store.save(creation('b'));
    expect(store.load(accessTo('a'))).toMatchObject({ outcome: 'found' });

    clock.advance(LIFETIME.unjoinedTimeoutMs);
    expect(store.load(accessTo('b'))).toEqual({ outcome: 'none' });
    clock.advance(DAY);
    store.load(accessTo('c'));
    expect(store.size).toBe(0);
    store.close();
  });
});
