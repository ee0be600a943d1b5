import { describe, expect, it } from '@jest/globals';
import { WaitingLine } from './session-locks.js';

describe('a waiting line', () => {
  it('lets one in at a time, in order of arrival', async () => {
    const line = new WaitingLine();
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
    expect(line.isEmpty).toBe(true);
  });

  it('lets go of those who have waited long enough, and goes on without them', async () => {
    const line = new WaitingLine();
    await line.enter(0);
    const impatient = line.enter(1);
    const patient = line.enter(60_000);
    expect(await impatient).toBe(false);
    line.next();
    expect(await patient).toBe(true);
    line.next();
    expect(line.isEmpty).toBe(true);
  });
});
