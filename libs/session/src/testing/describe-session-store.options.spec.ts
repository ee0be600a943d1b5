import { afterEach, describe, expect, it } from '@jest/globals';
import { globalTestRunner } from './describe-session-store.options.js';

const globals = globalThis as { describe?: unknown; it?: unknown };
const original = { describe: globals.describe, it: globals.it };

describe('the test runner of the contract suite', () => {
  afterEach(() => void Object.assign(globals, original));

  it('is that of the global functions', () => {
    expect(globalTestRunner()).toEqual(original);
  });

  it('is asked for where there are none', () => {
    globals.it = undefined;

    expect(globalTestRunner).toThrow("pass those of your runner: import { describe, it } from 'vitest'");
  });
});
