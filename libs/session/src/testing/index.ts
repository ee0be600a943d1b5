/**
 * For tests: the contract of session stores, and a clock that can be moved.
 *
 * @module nestjs-session-beans/testing
 */

// contract suite
export { describeSessionStore } from './describe-session-store.js';
export type { DescribeSessionStoreOptions, SessionStoreSetup, TestRunner } from './describe-session-store.options.js';

// time
export { ManualClock } from './manual-clock.js';
