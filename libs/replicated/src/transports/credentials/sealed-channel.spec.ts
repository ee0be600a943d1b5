import { describe, expect, it } from '@jest/globals';
import { ReplayWindow } from './sealed-channel.js';

describe('the replay window', () => {
  it('lets each number pass once', () => {
    const window = new ReplayWindow();
    for (let number = 0; number < 5_000; number++)
      expect([window.admit(number), window.admit(number)]).toEqual([true, false]);
  });

  it('lets numbers pass in any order within its width', () => {
    const window = new ReplayWindow();
    const numbers = Array.from({ length: 1_024 }, (_, index) => (index * 769) % 1_024);
    expect(numbers.every((number) => window.admit(number))).toBe(true);
    expect(numbers.some((number) => window.admit(number))).toBe(false);
  });

  it('refuses what is older than its width, whether it was there or not', () => {
    const window = new ReplayWindow();
    window.admit(5_000);
    expect(window.admit(5_000 - 1_024)).toBe(false);
    expect(window.admit(5_000 - 1_023)).toBe(true);
    window.admit(1e12);
    expect([window.admit(5_001), window.admit(1e12 - 1)]).toEqual([false, true]);
  });
});
