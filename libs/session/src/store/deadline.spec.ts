import { describe, expect, it } from '@jest/globals';
import { Deadline, type Waiting } from './deadline.js';

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

  it('F35 takes an answer that arrived while the event loop was blocked', async () => {
    const limited = new Deadline(5, 'here').limit(
      new Promise((resolve) => setTimeout(() => process.nextTick(resolve, 'late'), 6)),
    );
    const end = performance.now() + 30;
    while (performance.now() < end);
    await expect(limited).resolves.toBe('late');
  });
});

describe('what waits for a deadline', () => {
  it('is told in the order in which it began to wait, whoever is done before', async () => {
    const deadline = new Deadline(5, 'here');
    const late: number[] = [];
    const waiting = [0, 1, 2, 3, 4].map((i) => deadline.begin(() => late.push(i)));
    for (const i of [0, 2, 4]) expect(deadline.end(waiting[i] as Waiting)).toBe(true);
    const last = deadline.begin(() => late.push(5));
    while (late.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));

    expect(late).toEqual([1, 3, 5]);
    for (const each of [...waiting, last]) expect(deadline.end(each)).toBe(false);
  });
});
