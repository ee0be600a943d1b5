import { afterEach, describe, expect, it } from '@jest/globals';
import { findTestRunner } from './find-test-runner.js';

const globals = globalThis as { describe?: unknown; it?: unknown };
const original = { describe: globals.describe, it: globals.it };

describe('findTestRunner', () => {
  afterEach(() => void Object.assign(globals, original));

  it('takes the global functions', () => {
    expect(findTestRunner()).toEqual(original);
  });

  it('says what to do when there are none', () => {
    globals.it = undefined;

    expect(findTestRunner).toThrow("pass those of your runner: import { describe, it } from 'vitest'");
  });
});
