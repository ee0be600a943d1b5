import assert from 'node:assert/strict';
import type { SessionStore } from '../store/session-store.js';
import {
  DescribeSessionStoreOptions,
  globalTestRunner,
  type SessionStoreSetup,
} from './describe-session-store.options.js';
import { accessRules } from './rules/access-rules.js';
import { closeRules } from './rules/close-rules.js';
import { concurrencyRules } from './rules/concurrency-rules.js';
import { destroyRules } from './rules/destroy-rules.js';
import { expiryRules } from './rules/expiry-rules.js';
import { joinRules } from './rules/join-rules.js';
import { loadRules } from './rules/load-rules.js';
import { locatorRules } from './rules/locator-rules.js';
import { lockRules } from './rules/lock-rules.js';
import { loginRules } from './rules/login-rules.js';
import { noticeRules } from './rules/notice-rules.js';
import { principalRules } from './rules/principal-rules.js';
import { renewalRules } from './rules/renewal-rules.js';
import { sameChangeAgainRules } from './rules/same-change-again-rules.js';
import { saveRules } from './rules/save-rules.js';
import { sharingRules } from './rules/sharing-rules.js';
import { supersedeRules } from './rules/supersede-rules.js';
import { touchRules } from './rules/touch-rules.js';
import { type ContractRules, StoreUnderTest } from './store-under-test.js';

/** The rules of the contract, by the version that brought them. A new rule belongs to the next version. */
const RULES: Readonly<Record<number, Readonly<Record<string, ContractRules>>>> = {
  1: {
    load: loadRules,
    'load by a request': joinRules,
    expiry: expiryRules,
    save: saveRules,
    'the same change again': sameChangeAgainRules,
    renewal: renewalRules,
    login: loginRules,
    access: accessRules,
    supersede: supersedeRules,
    touch: touchRules,
    destroy: destroyRules,
    close: closeRules,
    concurrency: concurrencyRules,
    lock: lockRules,
    locators: locatorRules,
    notices: noticeRules,
    principals: principalRules,
    sharing: sharingRules,
  },
};

/**
 * Declares the tests that every session store has to pass: one or more for each rule in the comments of `SessionStore`.
 * The title of a test begins with the ids of its rules. Rules of a later contract than the store follows are reported
 * as pending, with `it.skip`.
 *
 * @param name of the store, for the title of the suite
 * @param create makes a store. It is called for each test, and again with the same `namespace` where a test needs two
 * servers. The suite opens the store and closes it.
 * @throws Error where there is no test runner
 *
 * @example
 * describeSessionStore('memory', ({ clock }) => new MemorySessionStore({ clock }));
 *
 * @see docs/stores/writing-a-store.md
 */
export function describeSessionStore(
  name: string,
  create: (setup: SessionStoreSetup) => SessionStore | Promise<SessionStore>,
  options: DescribeSessionStoreOptions = {},
): void {
  const runner = options.runner ?? globalTestRunner();
  const contract: number = options.contract ?? (new DescribeSessionStoreOptions().contract as number);
  const testOf = (check: ContractRules[string]) => async (): Promise<void> => {
    const on = new StoreUnderTest(create, options);
    await on.open();
    try {
      await check(on);
    } finally {
      await on.close();
    }
  };
  runner.describe(`session store contract: ${name}`, () => {
    runner.it(
      `says that it follows contract ${contract}`,
      testOf(({ store }) => assertFollows(store, contract)),
    );
    for (const [version, groups] of Object.entries(RULES)) {
      // A rule that the store's author has not heard of is no failure of the store.
      const declare = Number(version) <= contract ? runner.it : runner.it.skip;
      for (const [group, rules] of Object.entries(groups)) {
        runner.describe(group, () => {
          for (const [title, check] of Object.entries(rules)) declare?.(title, testOf(check));
        });
      }
    }
  });
}

async function assertFollows(store: SessionStore, contract: number): Promise<void> {
  const problem = `it follows contract ${store.contract}: give describeSessionStore the same option contract`;
  assert.equal(store.contract, contract, problem);
}
