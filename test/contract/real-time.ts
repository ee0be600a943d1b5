import { setTimeout as pause } from 'node:timers/promises';
import { describe, it } from '@jest/globals';
import type { DescribeSessionStoreOptions } from 'nestjs-session-beans/testing';

const UNIT_MS = 100;
const ATTEMPTS = 10;

const jest: NonNullable<DescribeSessionStoreOptions['runner']> = { describe, it };

/** The end of the step before, by `performance.now()`. */
let stepped = 0;

/** Whether the test waits at all, and whether this machine has taken longer than a unit for anything else. */
let waits = false;
let isLate = false;

function step(dueMs: number): void {
  const now = performance.now();
  isLate ||= now - stepped > dueMs + UNIT_MS;
  stepped = now;
}

/**
 * The contract suite in the time of a real Redis. A test that waits says nothing about the store if this machine was
 * late meanwhile. Where such a test fails, it is run again.
 */
export const realTime: DescribeSessionStoreOptions = {
  unitMs: UNIT_MS,

  async advance(ms: number): Promise<void> {
    waits = true;
    step(0);
    await pause(ms);
    step(ms);
  },

  runner: { describe, it: (title, test) => jest.it(title, () => inTime(test)) },
};

async function inTime(test: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    stepped = performance.now();
    [waits, isLate] = [false, false];
    try {
      await test();
      return;
    } catch (error) {
      step(0);
      if (!waits || !isLate || attempt === ATTEMPTS) throw error;
    }
  }
}
