import type { SessionStore } from '../store/session-store.js';
import type { ManualClock } from './manual-clock.js';

/** What the store of one test is made from. */
export interface SessionStoreSetup {
  /** The time, for stores that take a clock. It stands still until the suite moves it. */
  readonly clock: ManualClock;

  /**
   * A text that differs from test to test; two stores of one test get the same. A store that several servers share uses
   * it as its prefix: tests do not meet, and two stores with the same prefix work on the same sessions.
   */
  readonly namespace: string;
}

/** Options of `describeSessionStore`. */
export class DescribeSessionStoreOptions {
  /**
   * The version of the contract whose rules the store has to keep. Rules that a later version adds are reported as
   * pending: a new release of the package leaves the suite green. Raise it together with the store's own `contract`.
   * Default: 1.
   */
  readonly contract?: SessionStore['contract'] | undefined = 1;

  /**
   * The unit in which the suite counts time, in ms. Sessions live for 4 to 40 units. With a manual clock a long unit
   * costs nothing. A store with a clock of its own takes a short one, long enough for a few round trips (100 for a
   * local Redis). Default: 60,000.
   */
  readonly unitMs?: number | undefined = 60_000;

  /** Lets this many ms pass for the store. Default: `clock` is moved. A store with a clock of its own really waits. */
  readonly advance?: (ms: number) => Promise<void>;

  /**
   * Makes a store that is full after a few hundred saves of 1 kB at most, for the rule about full stores. Leave it out
   * where the store itself limits nothing.
   */
  readonly createSmall?: (setup: SessionStoreSetup) => SessionStore | Promise<SessionStore>;

  /** The functions that declare the tests. Default: the global `describe` and `it`. */
  readonly runner?: TestRunner;
}

/** The part of a test runner that the suite needs; jest, vitest, mocha and node:test have it. */
export interface TestRunner {
  describe(title: string, body: () => void): unknown;

  /** `skip` reports a test without running it. Where the runner has none, such tests are left out. */
  readonly it: DeclareTest & { readonly skip?: DeclareTest };
}

type DeclareTest = (title: string, test: () => Promise<void>) => unknown;

/**
 * The runner whose functions are global.
 *
 * @throws Error where there is none; its text says what to do
 */
export function globalTestRunner(): TestRunner {
  const { describe, it } = globalThis as Partial<TestRunner>;
  if (!describe || !it) {
    throw new Error(
      'describeSessionStore found no global describe and it; pass those of your runner: ' +
        "import { describe, it } from 'vitest'; describeSessionStore(name, create, { runner: { describe, it } })",
    );
  }
  return { describe, it };
}
