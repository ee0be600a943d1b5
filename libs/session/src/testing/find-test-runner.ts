import type { TestRunner } from './test-runner.js';

/**
 * The runner whose functions are global.
 *
 * @throws Error when there is none: say which one to use with the option `runner`.
 */
export function findTestRunner(): TestRunner {
  const { describe, it } = globalThis as Partial<TestRunner>;
  if (!describe || !it) {
    throw new Error(
      'describeSessionStore found no global describe and it; pass those of your runner: ' +
        "import { describe, it } from 'vitest'; describeSessionStore(name, create, { runner: { describe, it } })",
    );
  }
  return { describe, it };
}
