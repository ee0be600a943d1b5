import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ObservedPromise } from './observed-promise.js';

const failure = new Error('refused');

describe('ObservedPromise', () => {
  it('settles as the promise that it was made of', async () => {
    await expect(ObservedPromise.of(Promise.resolve(7))).resolves.toBe(7);
    await expect(ObservedPromise.of(Promise.reject(failure))).rejects.toBe(failure);
  });

  it.each<[string, (promise: Promise<unknown>) => unknown]>([
    ['await', async (promise) => await promise],
    ['then', (promise) => promise.then(() => undefined)],
    ['catch', (promise) => promise.catch(() => undefined)],
    ['finally', (promise) => promise.finally(() => undefined)],
    ['Promise.all', (promise) => Promise.all([promise])],
    ['Promise.race', (promise) => Promise.race([promise])],
    ['a function that returns it', (promise) => (async () => promise)()],
  ])('is observed by %s', async (_how, observe) => {
    const promise = ObservedPromise.of(Promise.resolve());
    expect(promise.isObserved).toBe(false);
    observe(promise);
    await nextTurn();
    expect(promise.isObserved).toBe(true);
  });

  it('is not observed by unobserved, which tells how it has settled', async () => {
    const outcomes: unknown[] = [];
    const [kept, refused] = [ObservedPromise.of(Promise.resolve(7)), ObservedPromise.of(Promise.reject(failure))];
    for (const promise of [kept, refused])
      await promise.unobserved(
        () => void outcomes.push('kept'),
        (error) => void outcomes.push(error),
      );

    expect(outcomes).toEqual(['kept', failure]);
    expect([kept.isObserved, refused.isObserved]).toEqual([false, false]);
  });

  it('ends no process when nobody waits for a refusal', async () => {
    // Jest fails a test in which a rejection is unhandled.
    void ObservedPromise.of(Promise.reject(failure));
    await nextTurn();
  });

  it('gives plain promises to those who wait', async () => {
    const next = ObservedPromise.of(Promise.resolve(7)).then((value) => value + 1);
    expect(next).not.toBeInstanceOf(ObservedPromise);
    await expect(next).resolves.toBe(8);
  });
});
