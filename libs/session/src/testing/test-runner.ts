/** What the suite needs of a test runner; jest, vitest, mocha and node:test have it. */
export interface TestRunner {
  describe(title: string, body: () => void): unknown;
  it(title: string, test: () => Promise<void>): unknown;
}
