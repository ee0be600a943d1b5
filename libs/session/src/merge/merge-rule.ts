import { stateKind } from '../codec/state-kind.js';
import { SessionStateError } from '../errors/session-state.error.js';
import { type MergeConflicts, type ThreeValues, missing } from './merge-values.js';
import { isObject, sameState } from './same-state.js';

/** The rules that have a name. */
export const MERGE_RULES = ['sum', 'max', 'min', 'union', 'append', 'latest', 'reject'] as const;

/** The values that a rule with a name can merge. */
export interface MergeRuleValues {
  sum: number | bigint;
  max: number | bigint | string | Date;
  min: number | bigint | string | Date;
  union: ReadonlySet<unknown> | readonly unknown[];
  append: readonly unknown[];
  latest: unknown;
  reject: unknown;
}

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
 * - `sum`: both differences count (numbers, bigints; undefined and null are zero)
 * - `max`, `min`: the larger, the smaller of the two (numbers, bigints, strings, Dates)
 * - `union`: the elements that either side added, without those that either removed (Sets, and arrays used as sets)
 * - `append`: the elements that mine appended follow those of theirs (arrays)
 * - `latest`: mine
 * - `reject`: always a `SessionConflictError` (409), even when both wrote the same
 * - a function of `{ base, mine, theirs }` that returns the merged value. It gets plain data (no instances of classes)
 *   and `undefined` for a property that is not there, so `T` of a property that may be deleted includes `undefined`. It
 *   must be synchronous, and leave its arguments as they are.
 *
 * Each rule also takes undefined and null, which stand for no value. All values of a property have to be of one kind:
 * a number and a bigint are a conflict.
 *
 * A rule that does not fit the declared type of its property (`sum` of a text) is a `SessionBeanError` at boot. Where
 * the compiler leaves no type (unions, `unknown`, no `emitDecoratorMetadata`), it is a `SessionStateError` when the
 * bean is first stored. A function that throws is a `SessionStateError` that names the property.
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

/** The kinds of value that a rule can merge, and how a sentence calls them. Rules that are not here take any value. */
const MERGEABLE: Readonly<Record<string, { readonly kinds: readonly string[]; readonly text: string }>> = {
  sum: { kinds: ['number', 'bigint'], text: 'numbers and bigints' },
  max: { kinds: ['number', 'bigint', 'string', 'date'], text: 'numbers, bigints, strings and Dates' },
  min: { kinds: ['number', 'bigint', 'string', 'date'], text: 'numbers, bigints, strings and Dates' },
  union: { kinds: ['set', 'array'], text: 'Sets and arrays' },
  append: { kinds: ['array'], text: 'arrays' },
};

const KINDS_OF_TYPES: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [Number, 'number'],
  [BigInt, 'bigint'],
  [String, 'string'],
  [Date, 'date'],
  [Set, 'set'],
  [Array, 'array'],
]);

/**
 * Why a rule cannot merge a value, as the predicate of a sentence; undefined when it can. Undefined and null are no
 * value, so they fit.
 */
export function misfit(rule: MergeRule, value: unknown): string | undefined {
  const mergeable = typeof rule === 'string' ? MERGEABLE[rule] : undefined;
  if (mergeable === undefined || value === undefined || value === null) return undefined;
  const kind = kindOf(value);
  return mergeable.kinds.includes(kind)
    ? undefined
    : misfitText(rule, mergeable.text, `it holds a value of type ${kind}`);
}

/**
 * Why a rule cannot merge the values of a property, by the type that the compiler left of its declaration. Undefined
 * when it can, or when the type says nothing: `Object` stands for unions, interfaces and type parameters.
 */
export function misfitOfType(rule: MergeRule, type: unknown): string | undefined {
  const mergeable = typeof rule === 'string' ? MERGEABLE[rule] : undefined;
  if (mergeable === undefined || typeof type !== 'function' || type === Object) return undefined;
  const kind = KINDS_OF_TYPES.get(type);
  if (kind !== undefined && mergeable.kinds.includes(kind)) return undefined;
  return misfitText(rule, mergeable.text, `it is declared as ${type.name}`);
}

function misfitText(rule: MergeRule, kinds: string, found: string): string {
  return `has @Merge('${String(rule)}'), which is for ${kinds}, but ${found}: choose another rule, or another type`;
}

function kindOf(value: unknown): string {
  return typeof value === 'object' ? (stateKind(value) ?? 'object') : typeof value;
}

/**
 * Merges, by its rule, a field that both sides changed. A field that is undefined counts as one that is not there.
 *
 * @returns the merged value, or `missing` (both deleted it)
 * @throws SessionStateError when the rule is a function that throws
 */
export function applyMergeRule(rule: MergeRule, values: ThreeValues, place: MergePlace): unknown {
  if (rule === 'latest') return values.mine;
  if (rule === 'reject') {
    place.conflicts.fields.push(place.field);
    return values.mine;
  }
  if (values.mine === missing && values.theirs === missing) return missing;
  const sides = { base: orUndefined(values.base), mine: orUndefined(values.mine), theirs: orUndefined(values.theirs) };
  if (typeof rule === 'function') return resultOf(rule, sides, place);
  const merged = mergedByName(rule, sides);
  return merged === unmergeable ? place.conflicts.settle(place.field, values.mine) : merged;
}

const unmergeable: unique symbol = Symbol('unmergeable');

/**
 * The merged value by a rule that looks at the values. `unmergeable` when they are of several kinds, or of one that the
 * rule is not for: an older release may have stored them.
 */
function mergedByName(rule: 'sum' | 'max' | 'min' | 'union' | 'append', sides: MergeSides): unknown {
  const [base, mine, theirs] = [sides.base ?? undefined, sides.mine ?? undefined, sides.theirs ?? undefined];
  // Both removed the value, each in its way: deleted, undefined, null.
  if (mine === undefined && theirs === undefined) return sides.mine;
  const kind = kindOf(mine ?? theirs);
  const used = rule === 'max' || rule === 'min' ? [mine, theirs] : [base, mine, theirs];
  const isOfOneKind = used.every((value) => value === undefined || kindOf(value) === kind);
  if (!isOfOneKind || misfit(rule, mine ?? theirs) !== undefined) return unmergeable;
  switch (rule) {
    case 'sum':
      return kind === 'bigint' ? sumOfBigints(base, mine, theirs) : sumOfNumbers(base, mine, theirs);
    case 'max':
      return maxOrMin(mine, theirs, 1);
    case 'min':
      return maxOrMin(mine, theirs, -1);
    case 'union':
      return uniteElements(base, mine, theirs, kind === 'set');
    case 'append':
      return appendElements(base, mine, theirs) ?? unmergeable;
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

/** `theirs` plus the difference between mine and `base`. Exact up to 2^53. */
function sumOfNumbers(base: unknown, mine: unknown, theirs: unknown): number {
  const [before, ours, others] = [base ?? 0, mine ?? 0, theirs ?? 0] as [number, number, number];
  return others + (ours - before);
}

function sumOfBigints(base: unknown, mine: unknown, theirs: unknown): bigint {
  const [before, ours, others] = [base ?? 0n, mine ?? 0n, theirs ?? 0n] as [bigint, bigint, bigint];
  return others + (ours - before);
}

/**
 * The larger (`sign` 1) or the smaller (`sign` -1) of two numbers, bigints, strings (by code units) or Dates. Where one
 * is undefined, the other one. NaN wins over every number, as in Math.max.
 */
function maxOrMin(mine: unknown, theirs: unknown, sign: 1 | -1): unknown {
  const given = [mine, theirs].filter((value) => value !== undefined);
  if (given.every((value) => typeof value === 'number')) {
    return sign === 1 ? Math.max(...given) : Math.min(...given);
  }
  return (given as string[]).reduce((a, b) => ((sign === 1 ? a < b : a > b) ? b : a));
}

/**
 * The elements that either side added, without those that either removed. For Sets, and for arrays whose elements are
 * all different. Undefined counts as empty. Elements that are objects are compared by their content.
 */
function uniteElements(base: unknown, mine: unknown, theirs: unknown, areSets: boolean): Set<unknown> | unknown[] {
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
function appendElements(base: unknown, mine: unknown, theirs: unknown): unknown[] | undefined {
  if (mine === undefined || theirs === undefined) return undefined;
  const before = (base ?? []) as unknown[];
  const ours = mine as unknown[];
  if (!before.every((element, i) => i < ours.length && sameState(element, ours[i]))) return undefined;
  return [...(theirs as unknown[]), ...ours.slice(before.length)];
}
