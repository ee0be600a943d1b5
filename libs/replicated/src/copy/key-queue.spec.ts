import { describe, expect, it } from '@jest/globals';
import { KeyQueue } from './key-queue.js';

describe('the queue of a session', () => {
  it('runs one after another in order, also after failures, and lets others pass', async () => {
    const queue = new KeyQueue();
    const log: string[] = [];
    const work =
      (name: string, fails = false) =>
      async () => {
        log.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        log.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      };
    const running = [queue.run('a', work('a1', true)), queue.run('a', work('a2')), queue.run('b', work('b1'))];
    expect([queue.isBusy('a'), queue.isBusy('c'), queue.size]).toEqual([true, false, 2]);
    const results = await Promise.allSettled(running);

    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(log.filter((entry) => entry.startsWith('a'))).toEqual(['a1 begins', 'a1 ends', 'a2 begins', 'a2 ends']);
    expect(log.indexOf('b1 begins')).toBeLessThan(log.indexOf('a1 ends'));
    expect([queue.isBusy('a'), queue.size]).toEqual([false, 0]);
  });
});
