import { describe, expect, it } from '@jest/globals';
import { EventLoopPulse } from './event-loop-pulse.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** As soon as it has beaten, so that it is not late. */
async function beating(): Promise<EventLoopPulse> {
  const pulse = new EventLoopPulse();
  pulse.keep(performance.now());
  do await new Promise((resolve) => setTimeout(resolve, 1));
  while (pulse.delay(performance.now()) > 0);
  return pulse;
}

describe('the pulse of the event loop', () => {
  it('knows that what is read next may have waited while the event loop was blocked', async () => {
    const pulse = await beating();

    block(60);

    expect(pulse.delay(performance.now())).toBeGreaterThan(40);
  });

  it('knows it also after it has beaten, until what had queued up is read', async () => {
    const pulse = await beating();
    const seen: number[] = [];
    block(60);
    // A few turns, unless the machine stands still in one of them: then it is late once more.
    do {
      await turn();
      seen.push(pulse.delay(performance.now()));
    } while (seen.at(-1) !== 0 && seen.length < 10_000);

    expect(Math.max(...seen)).toBeGreaterThan(40);
    expect(seen.at(-1)).toBe(0);
  });

  it('knows that an answer may have waited while the event loop was blocked', async () => {
    const pulse = await beating();
    const mark = pulse.mark(performance.now());
    await turn();
    block(60);

    expect(pulse.delaySince(mark, performance.now())).toBeGreaterThan(40);
  });

  it('knows that blocking in the middle of a wait has not delayed the answer', async () => {
    const pulse = await beating();
    const mark = pulse.mark(performance.now());
    block(60);
    await new Promise((resolve) => setTimeout(resolve, 100));
    while (pulse.delay(performance.now()) > 0) await turn();

    expect(pulse.delaySince(mark, performance.now())).toBe(0);
  });

  it('does not take work that nobody has waited for as blocking', async () => {
    const pulse = await beating();
    block(60);
    const mark = pulse.mark(performance.now());
    await Promise.resolve();
    block(10);

    expect(pulse.delaySince(mark, performance.now())).toBe(0);
  });

  it('says nothing before it beats', () => {
    const pulse = new EventLoopPulse();

    expect(pulse.delay(performance.now())).toBe(0);
    expect(pulse.delaySince(pulse.mark(performance.now()), performance.now() + 1_000)).toBe(0);
  });
});
