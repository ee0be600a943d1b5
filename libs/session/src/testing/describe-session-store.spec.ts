import { describe, expect, it } from '@jest/globals';
import { MemorySessionStore } from '../store/memory/memory-session-store.js';
import type { SessionStore } from '../store/session-store.js';
import { describeSessionStore } from './describe-session-store.js';
import type { DescribeSessionStoreOptions } from './describe-session-store.options.js';

/** The tests that the suite declares, by title, and the titles of those that are pending. */
function declared(options: DescribeSessionStoreOptions, store: () => SessionStore = () => new MemorySessionStore()) {
  const tests = new Map<string, () => Promise<void>>();
  const pending: string[] = [];
  const note = (title: string, test: () => Promise<void>): unknown => tests.set(title, test);
  const skip = (title: string): unknown => pending.push(title);
  const runner = { describe: (_title: string, body: () => void) => body(), it: Object.assign(note, { skip }) };
  describeSessionStore('memory', store, { ...options, runner });
  return { tests, pending };
}

/** As a store of today would be to a release whose contract is 1 version later. */
const EARLIER = 0 as number as 1;

describe('the contract suite', () => {
  it('has a test of each rule for a store that follows the contract', () => {
    const { tests, pending } = declared({});

    expect(tests.size).toBeGreaterThan(50);
    expect(pending).toEqual([]);
  });

  it('reports rules as pending that a later contract has added', () => {
    const { tests, pending } = declared({ contract: EARLIER });

    expect([...tests.keys()]).toEqual(['says that it follows contract 0']);
    expect(pending).toEqual([...declared({}).tests.keys()].slice(1));
  });

  it('leaves them out where the runner cannot report them', () => {
    const titles: string[] = [];
    const runner = {
      describe: (_title: string, body: () => void) => body(),
      it: (title: string) => titles.push(title),
    };

    describeSessionStore('memory', () => new MemorySessionStore(), { runner, contract: EARLIER });

    expect(titles).toEqual(['says that it follows contract 0']);
  });

  it('goes on to the rules of a contract when the store does, and not silently', async () => {
    const raised = () => Object.assign(new MemorySessionStore(), { contract: 1 });

    await expect(declared({}, raised).tests.get('says that it follows contract 1')?.()).resolves.toBeUndefined();
    await expect(
      declared({ contract: EARLIER }, raised).tests.get('says that it follows contract 0')?.(),
    ).rejects.toThrow('it follows contract 1: give describeSessionStore the same option contract');
  });
});
