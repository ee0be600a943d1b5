import { describe, expect, it } from '@jest/globals';
import { Promises } from './promises.js';

describe('promises', () => {
  function open() {
    const time = { now: 0 };
    return {
      time,
      promises: new Promises(
        () => time.now,
        () => 1_000,
      ),
    };
  }

  it('are kept per process, the last of each, until what came before is settled', () => {
    const { promises } = open();
    promises.grant('k', { counter: 6, node: 's1' }, 5);
    promises.grant('k', { counter: 7, node: 's2' }, 5);
    promises.grant('k', { counter: 8, node: 's1' }, 5);
    expect(promises.of('k')).toEqual([
      { counter: 7, node: 's2' },
      { counter: 8, node: 's1' },
    ]);
    promises.grant('k', { counter: 9, node: 's3' }, 8);
    expect(promises.of('k')).toEqual([{ counter: 9, node: 's3' }]);
  });

  it('of a process that has ended are kept next to those of the one that took its place', () => {
    const { promises } = open();
    promises.grant('k', { counter: 6, node: 's1', process: 'one' }, 5);
    promises.grant('k', { counter: 7, node: 's1', process: 'two' }, 5);
    promises.learn('k', [{ counter: 8, node: 's1', process: 'two' }]);

    expect(promises.of('k')).toEqual([
      { counter: 6, node: 's1', process: 'one' },
      { counter: 8, node: 's1', process: 'two' },
    ]);
  });

  it('stand against older epochs, and against another with the same number', () => {
    const { promises } = open();
    promises.grant('k', { counter: 6, node: 's1' }, 5);

    expect(promises.forbids('k', { counter: 5, node: 's2' })).toBe(true);
    expect(promises.forbids('k', { counter: 6, node: 's2' })).toBe(true);
    expect(promises.forbids('k', { counter: 6, node: 's1' })).toBe(false);
    expect(promises.forbids('k', { counter: 7, node: 's2' })).toBe(false);
    expect(promises.forbids('other', { counter: 1, node: 's2' })).toBe(false);
  });

  it('last as long as a session may be idle', () => {
    const { time, promises } = open();
    promises.grant('k', { counter: 6, node: 's1' }, 5);
    time.now = 1_500;
    expect(promises.of('k')).toHaveLength(1);
    time.now = 4_000;
    expect(promises.of('k')).toEqual([]);
  });

  it('can be learned by another member, page by page', () => {
    const { promises } = open();
    for (let i = 0; i < 2_500; i++) promises.grant(`k${i}`, { counter: i + 1, node: 's1' }, 0);
    const other = open().promises;
    const pages: number[] = [];
    for (let skip = 0, generation = 0; ;) {
      const answer = promises.page(generation, skip);
      pages.push(answer.page.length);
      if (answer.page.length === 0) break;
      for (const [key, epochs] of answer.page) other.learn(key, epochs);
      ({ generation } = answer);
      skip += answer.page.length;
    }

    expect(pages).toEqual([1_000, 1_000, 500, 0]);
    expect(other.of('k2499')).toEqual([{ counter: 2_500, node: 's1' }]);
  });
});
