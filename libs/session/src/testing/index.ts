/**
 * For tests: sessions of an application, a stand-in for `HttpSession`, a clock that can be moved, and the contract of
 * session stores.
 *
 * @module nestjs-session-beans/testing
 */

// tests of an application
export {
  createTestSession,
  TestSession,
  type TestSessionOptions,
  type TestSessionSetUp,
} from './create-test-session.js';

// unit tests of classes that a bean or HttpSession is injected into
export { FakeHttpSession, type FakeHttpSessionOptions } from './fake-http-session.js';

// contract suite
export { describeSessionStore } from './describe-session-store.js';
export type { DescribeSessionStoreOptions, SessionStoreSetup, TestRunner } from './describe-session-store.options.js';

// time
export { ManualClock } from './manual-clock.js';
