import { describe, expect, it } from '@jest/globals';
import { Deadline } from './deadline.js';

describe('a deadline', () => {
  it('passes on what comes in time', async () => {
    await expect(new Deadline(60_000, 'here').limit(Promise.resolve(1))).resolves.toBe(1);
    await expect(new Deadline(60_000, 'here').limit(Promise.reject(new Error('own')))).rejects.toThrow('own');
  });

  it('gives up on what does not, and says which deadline it was', async () => {
    await expect(new Deadline(5, '(storeTimeoutMs)').limit(new Promise(() => undefined))).rejects.toThrow(
      'no answer within 5 ms (storeTimeoutMs)',
    );
  });

  it('takes an answer that arrived while the event loop was blocked', async () => {
    const limited = new Deadline(5, 'here').limit(
      new Promise((resolve) => setTimeout(() => process.nextTick(resolve, 'late'), 6)),
    );
    const end = performance.now() + 30;
    while (performance.now() < end);
    await expect(limited).resolves.toBe('late');
  });
});
