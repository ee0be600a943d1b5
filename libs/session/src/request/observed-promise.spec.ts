import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KeptPromises, ObservedPromise } from './observed-promise.js';

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
    ['Promise.all', (promise) => Promise.all([promise, nextTurn()])],
    ['Promise.race', (promise) => Promise.race([promise, nextTurn()])],
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
    await expect(nextTurn()).resolves.toBeUndefined();
  });

  it('gives plain promises to those who wait', async () => {
    const next = ObservedPromise.of(Promise.resolve(7)).then((value) => value + 1);
    expect(next).not.toBeInstanceOf(ObservedPromise);
    await expect(next).resolves.toBe(8);
  });
});

describe('the promises that a handler has got', () => {
  const refuse = (): Promise<never> => Promise.reject(failure);

  it('are none to wait for when there are none, or all are kept', async () => {
    const promises = new KeptPromises();
    expect(promises.forgotten).toBeUndefined();
    await expect(promises.keep(async () => 7)).resolves.toBe(7);
    expect(promises.forgotten).toBeUndefined();
  });

  it('are waited for', async () => {
    const promises = new KeptPromises();
    let finish = (): void => undefined;
    void promises.keep(() => new Promise<void>((resolve) => (finish = resolve)));
    let isOver = false;
    const forgotten = promises.forgotten?.then(() => (isOver = true));
    await nextTurn();
    expect(isOver).toBe(false);
    finish();
    await forgotten;
    expect(promises.forgotten).toBeUndefined();
  });

  it('fail the response when they have failed and the handler did not wait for them', async () => {
    const promises = new KeptPromises();
    void promises.keep(refuse);
    await nextTurn();
    await expect(promises.forgotten).rejects.toBe(failure);
    expect(promises.forgotten).toBeUndefined();
  });

  it('do not fail the response when the handler has dealt with the failure', async () => {
    const promises = new KeptPromises();
    await promises.keep(refuse).catch(() => undefined);
    expect(await promises.forgotten).toBeUndefined();
  });

  it('are each waited for, also after one has failed', async () => {
    const promises = new KeptPromises();
    const late = new Error('later');
    void promises.keep(refuse);
    void promises.keep(() => nextTurn().then(() => Promise.reject(late)));
    await expect(promises.forgotten).rejects.toBe(failure);
    await expect(promises.forgotten).rejects.toBe(late);
    expect(promises.forgotten).toBeUndefined();
  });
});
