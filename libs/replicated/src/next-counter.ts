const MOST_SKIPPED = 1_024;

/**
 * A member that has started anew does not know what its earlier processes began. It skips a random number, so that none of its epochs is
 * taken for one of theirs: their names would be the same.
 */
export function nextCounter(counter: number, random: () => number): number {
  return counter + 1 + Math.floor(random() * MOST_SKIPPED);
}
