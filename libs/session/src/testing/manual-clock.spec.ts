import { expect, it } from '@jest/globals';
import { ManualClock } from './manual-clock.js';

it('stands still until it is moved, in either direction', () => {
  const clock = new ManualClock(1_000);
  expect([clock.now(), clock.now()]).toEqual([1_000, 1_000]);

  clock.advance(500);
  expect(clock.now()).toBe(1_500);
  clock.advance(-1_500);
  expect(clock.now()).toBe(0);
  clock.set(7);
  expect(clock.now()).toBe(7);
});
