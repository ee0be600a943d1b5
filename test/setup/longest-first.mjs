import TestSequencer from '@jest/test-sequencer';

/** Seconds that a spec of a folder takes where jest has not measured it yet: on a clean checkout. */
const GUESSES = [
  ['/test/balancers/', 30],
  ['/test/lab/', 25],
  ['/test/simulation/', 30],
  ['/test/packages/', 20],
  ['/test/contract/replication', 20],
  ['/test/faults/', 15],
  ['/test/contract/', 15],
  ['/test/observability/', 10],
  ['/test/browser/', 10],
  ['/test/external/', 10],
  ['/test/e2e/', 3],
];

/** The longest specs run first, so that no worker is left alone with one in the end. */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    return tests.toSorted((one, other) => seconds(other) - seconds(one));
  }
}

function seconds({ path, duration }) {
  if (duration !== undefined) return duration / 1_000;
  return GUESSES.find(([folder]) => path.includes(folder))?.[1] ?? 1;
}
