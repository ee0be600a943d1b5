import type { StoreUnderTest } from './store-under-test.js';

/** Tests by title; the id of the rule stands in front. Each gets a store of its own. */
export type ContractRules = Readonly<Record<string, (on: StoreUnderTest) => Promise<void>>>;
