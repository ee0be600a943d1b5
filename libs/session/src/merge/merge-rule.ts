import { stateKind } from '../codec/state-kind.js';
import { SessionStateError } from '../errors/session-state.error.js';
import { type MergeConflicts, type ThreeValues, missing } from './merge-values.js';
import { isObject, sameState } from './same-state.js';

/** The rules that have a name. */
export const MERGE_RULES = ['sum', 'max', 'min', 'union', 'append', 'latest', 'reject'] as const;

/** The three values of a property that two overlapping requests changed, as a merge function gets them. */
export interface MergeSides<T = unknown> {
  /** The value that both requests started from; undefined where there was none. */
  readonly base: T | undefined;

  /** The value that the later commit is about to store. */
  readonly mine: T;

  /** The value that the earlier commit stored. */
  readonly theirs: T;
}

/**
 * How to merge a property of a bean that two overlapping requests changed. A rule gets the whole value of the property;
 * the names of the values are those of {@link MergeSides}.
 *
 * - `sum`: both differences count (numbers, bigints)
 * - `max`, `min`: the larger, the smaller of the two (numbers, bigints, strings, Dates)
 * - `union`: the elements that either side added, without those that either removed (Sets, and arrays used as sets)
 * - `append`: the elements that mine appended follow those of theirs (arrays)
 * - `latest`: mine
 * - `reject`: always a `SessionConflictError` (409), even when both wrote the same
 * - a function of `{ base, mine, theirs }` that returns the merged value. It gets plain data (no instances of classes)
 *   and `undefined` for a property that is not there, so `T` of a property that may be deleted includes `undefined`. It
 *   must be synchronous, and leave its arguments as they are.
 *
 * A rule that does not fit the values (`sum` of two texts), or a function that throws, fails the commit with a
 * `SessionStateError` that names the property.
 *
 * @example
 * ```ts
 * const longest: MergeRule<string> = ({ mine, theirs }) => (mine.length > theirs.length ? mine : theirs);
 * ```
 */
export type MergeRule<T = unknown> = (typeof MERGE_RULES)[number] | ((sides: MergeSides<T>) => T);

/** The property that a rule is applied to. */
export interface MergePlace {
  /** Path inside the state, for a conflict. */
  readonly field: string;

  /** Path with the bean's name, for an error. */
  readonly path: string;

  /** Gets the property if the rule finds a conflict. */
  readonly conflicts: MergeConflicts;
}

/**
 * Merges, by its rule, a field that both sides changed. A field that is undefined counts as one that is not there.
 *
 * @returns the merged value, or `missing` (both deleted it)
 * @throws SessionStateError when the rule does not fit the values
 */
export function applyMergeRule(rule: MergeRule, values: ThreeValues, place: MergePlace): unknown {
  if (rule === 'latest') return values.mine;
  if (rule === 'reject') {
    place.conflicts.fields.push(place.field);
    return values.mine;
  }
  if (values.mine === missing && values.theirs === missing) return missing;
  const [base, mine, theirs] = [orUndefined(values.base), orUndefined(values.mine), orUndefined(values.theirs)];
  if (typeof rule === 'function') return resultOf(rule, { base, mine, theirs }, place);
  if (rule === 'append') {
    const appended = appendElements(base, mine, theirs, place.path);
    return appended ?? place.conflicts.settle(place.field, values.mine);
  }
  // Both became undefined, or one was deleted and the other became undefined.
  if (mine === undefined && theirs === undefined) return undefined;
  switch (rule) {
    case 'sum':
      return sumDifferences(base, mine, theirs, place.path);
    case 'max':
      return maxOrMin(mine, theirs, 1, place.path);
    case 'min':
      return maxOrMin(mine, theirs, -1, place.path);
    case 'union':
      return uniteElements(base, mine, theirs, place.path);
  }
}

function orUndefined(value: unknown): unknown {
  return value === missing ? undefined : value;
}

function resultOf(rule: (sides: MergeSides) => unknown, sides: MergeSides, { path }: MergePlace): unknown {
  try {
    return rule(sides);
  } catch (cause) {
    throw new SessionStateError(path, 'could not be merged: the function of its @Merge(...) threw', { cause });
  }
}

/**
 * `theirs` plus the difference between mine and `base`. Undefined counts as zero. Exact up to 2^53, with bigints
 * always.
 */
function sumDifferences(base: unknown, mine: unknown, theirs: unknown, path: string): number | bigint {
  const given = [base, mine, theirs].filter((value) => value !== undefined);
  if (given.every((value) => typeof value === 'number')) {
    return numberOrZero(theirs) + (numberOrZero(mine) - numberOrZero(base));
  }
  if (given.every((value) => typeof value === 'bigint')) {
    return bigintOrZero(theirs) + (bigintOrZero(mine) - bigintOrZero(base));
  }
  throw new SessionStateError(
    path,
    `cannot be merged by 'sum', which is for fields that are always numbers or always bigints`,
  );
}

function numberOrZero(value: unknown): number {
  return value === undefined ? 0 : (value as number);
}

function bigintOrZero(value: unknown): bigint {
  return value === undefined ? 0n : (value as bigint);
}

/**
 * The larger (`sign` 1) or the smaller (`sign` -1) of two numbers, bigints, strings (by code units) or Dates. Where one
 * is undefined, the other one. NaN wins over every number, as in Math.max.
 */
function maxOrMin(mine: unknown, theirs: unknown, sign: 1 | -1, path: string): unknown {
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

/**
 * The elements that either side added, without those that either removed. For Sets, and for arrays whose elements are
 * all different. Undefined counts as empty. Elements that are objects are compared by their content.
 */
function uniteElements(base: unknown, mine: unknown, theirs: unknown, path: string): Set<unknown> | unknown[] {
  const given = [base, mine, theirs].filter((value) => value !== undefined);
  const areSets = given.every((value) => stateKind(value) === 'set');
  if (!areSets && !given.every((value) => stateKind(value) === 'array')) {
    throw new SessionStateError(
      path,
      `cannot be merged by 'union', which is for fields that are always Sets or always arrays`,
    );
  }
  const [before, ours, others] = [base, mine, theirs].map((value) => [...((value ?? []) as Iterable<unknown>)]);
  const [isInBefore, isInOurs] = [membershipTest(before ?? []), membershipTest(ours ?? [])];
  const kept = (others ?? []).filter((element) => isInOurs(element) || !isInBefore(element));
  const result: unknown[] = [];
  for (const element of [...kept, ...(ours ?? []).filter((candidate) => !isInBefore(candidate))]) {
    if (!isObject(element) || !result.some((other) => sameState(other, element))) result.push(element);
  }
  const united = new Set(result);
  return areSets ? united : [...united];
}

function membershipTest(elements: readonly unknown[]): (element: unknown) => boolean {
  const primitives = new Set(elements);
  const objects = elements.filter(isObject);
  return (element) =>
    isObject(element) ? objects.some((other) => sameState(other, element)) : primitives.has(element);
}

/**
 * `theirs`, followed by the elements that mine appended to `base`. An undefined `base` counts as empty.
 *
 * @returns undefined when there is no such array: mine did more than append, or one side deleted the array
 */
function appendElements(base: unknown, mine: unknown, theirs: unknown, path: string): unknown[] | undefined {
  if (![base, mine, theirs].every((value) => value === undefined || stateKind(value) === 'array')) {
    throw new SessionStateError(path, `cannot be merged by 'append', which is for arrays`);
  }
  if (mine === undefined || theirs === undefined) return undefined;
  const before = (base ?? []) as unknown[];
  const ours = mine as unknown[];
  if (!before.every((element, i) => i < ours.length && sameState(element, ours[i]))) return undefined;
  return [...(theirs as unknown[]), ...ours.slice(before.length)];
}
