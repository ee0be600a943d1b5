import type { ManualClock } from './manual-clock.js';
import type { TestRunner } from './test-runner.js';

/** What a store under test is made from. */
export interface SessionStoreSetup {
  /** The time, for stores that take a clock. Stands still until the suite moves it. */
  readonly clock: ManualClock;

  /**
   * Different for each test; two stores of one test get the same. A store that several servers share uses it as its prefix, so that
   * tests do not meet, and two stores made with the same one work on the same sessions.
   */
  readonly namespace: string;
}

/** How the suite is run. */
export class DescribeSessionStoreOptions {
  /**
   * The step in which the suite counts time, in ms. Sessions live for 4 to 40 of them. An hour costs nothing where the clock is
   * manual; a store with a clock of its own takes a short one, long enough for a few round trips (100 for a local Redis).
   */
  readonly unitMs?: number = 60_000;

  /** Lets time pass for the store; by default `clock` is moved. A store with a clock of its own really waits. */
  readonly advance?: (ms: number) => Promise<void>;

  /** By default the global `describe` and `it`. */
  readonly runner?: TestRunner;
}
