import {
  describeSessionStore,
  type DescribeSessionStoreOptions,
  type SessionStoreSetup,
} from 'nestjs-session-beans/testing';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';

/**
 * Runs the contract suite outside of jest, and returns the titles of the tests that fail.
 * @param only selects tests by their titles; by default all tests run
 */
export async function rulesBrokenBy(
  create: (setup: SessionStoreSetup) => SessionStore | Promise<SessionStore>,
  options: DescribeSessionStoreOptions = {},
  only = /./,
): Promise<string[]> {
  const tests: { title: string; test: () => Promise<void> }[] = [];
  const runner = {
    describe: (_title: string, body: () => void): void => body(),
    it: (title: string, test: () => Promise<void>): void => void tests.push({ title, test }),
  };
  describeSessionStore('planted', create, Object.assign({}, options, { runner }));
  const broken: string[] = [];
  for (const { title, test } of tests.filter((each) => only.test(each.title))) {
    await test().catch(() => broken.push(title));
  }
  return broken;
}
