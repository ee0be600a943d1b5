import { SessionStateError } from '../errors/session-state.error.js';

/** `theirs` plus what mine adds to `base`; undefined counts as zero. Integers are exact up to 2^53, bigints always. */
export function sumDifferences(base: unknown, mine: unknown, theirs: unknown, path: string): number | bigint {
  const given = [base, mine, theirs].filter((value) => value !== undefined);
  if (given.every((value) => typeof value === 'number')) {
    return number(theirs) + (number(mine) - number(base));
  }
  if (given.every((value) => typeof value === 'bigint')) {
    return bigint(theirs) + (bigint(mine) - bigint(base));
  }
  throw new SessionStateError(
    path,
    `cannot be merged by 'sum', which is for fields that are always numbers or always bigints`,
  );
}

function number(value: unknown): number {
  return value === undefined ? 0 : (value as number);
}

function bigint(value: unknown): bigint {
  return value === undefined ? 0n : (value as bigint);
}
