import { describe, expect, it } from '@jest/globals';
import { systemTimers } from './replication-timers.js';

describe('a timer of this process', () => {
  it('never comes early by the clock that the protocol reads: leases end by it', async () => {
    const earliest = await Promise.all(
      Array.from({ length: 500 }, async (_, i) => {
        // Begun at different fractions of a millisecond.
        await new Promise((resolve) => setTimeout(resolve, i % 7));
        const ms = 3 + ((i * 0.37) % 11);
        const begun = systemTimers.now();
        await new Promise<void>((resolve) => void systemTimers.after(ms, resolve));
        return systemTimers.now() - begun - ms;
      }),
    );

    expect(Math.min(...earliest)).toBeGreaterThanOrEqual(0);
  });

  it('can be cancelled, also while it waits for the rest of its time', async () => {
    const called: number[] = [];
    const cancels = Array.from({ length: 50 }, (_, i) => systemTimers.after(5 + i / 50, () => called.push(i)));
    await new Promise<void>((resolve) => void systemTimers.after(4, resolve));
    for (const cancel of cancels) cancel();
    const before = called.length;
    await new Promise<void>((resolve) => void systemTimers.after(20, resolve));

    expect(called).toHaveLength(before);
  });
});
