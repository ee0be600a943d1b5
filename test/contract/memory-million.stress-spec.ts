import { expect, it, jest } from '@jest/globals';
import { MemorySessionStore } from 'nestjs-session-beans';

const LIFETIME = { idleTimeoutMs: 1_800_000, absoluteTimeoutMs: 43_200_000, unjoinedTimeoutMs: 300_000 };

it('the memory store stays within its bounds for a million sessions, keeps the old ones and one timer', () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
  const store = new MemorySessionStore({ maxSessions: 100_000 });
  const parts = new Map([['bean', { base: null, payload: '{}' }]]);
  let refused = 0;
  // The stacks of 900,000 refusals take most of the time otherwise.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  for (let i = 0; i < 1_000_000; i++) {
    try {
      store.save({ key: `${i}`, proof: 'p', writeId: `w${i}`, mode: 'create', lifetime: LIFETIME, parts });
    } catch {
      refused++;
    }
  }
  Error.stackTraceLimit = stackTraceLimit;

  expect([store.size, refused]).toEqual([100_000, 900_000]);
  expect(jest.getTimerCount()).toBe(1);
  expect(store.load({ key: '0', proof: 'p' })).toMatchObject({ outcome: 'found' });
  expect(store.load({ key: '99999', proof: 'p' })).toMatchObject({ outcome: 'found' });
  store.close();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});
