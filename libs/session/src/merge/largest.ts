import { SessionStateError } from '../errors/session-state.error.js';
import { stateKind } from '../codec/state-kind.js';

/**
 * The larger (`sign` 1) or the smaller (`sign` -1) of two numbers, bigints, strings (by code units) or Dates; the only one
 * where the other is undefined. NaN is contagious, as in Math.max.
 */
export function largest(mine: unknown, theirs: unknown, sign: 1 | -1, path: string): unknown {
  const given = [mine, theirs].filter((value) => value !== undefined);
  if (given.every((value) => typeof value === 'number')) {
    return sign === 1 ? Math.max(...given) : Math.min(...given);
  }
  const comparable =
    given.every((value) => typeof value === 'bigint') ||
    given.every((value) => typeof value === 'string') ||
    given.every((value) => stateKind(value) === 'date');
  if (!comparable) {
    const rule = sign === 1 ? 'max' : 'min';
    throw new SessionStateError(
      path,
      `cannot be merged by '${rule}', which is for numbers, bigints, strings and Dates, all alike`,
    );
  }
  return (given as string[]).reduce((a, b) => ((sign === 1 ? a < b : a > b) ? b : a));
}
