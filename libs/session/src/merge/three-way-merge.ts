import { setOwn } from '../codec/state-kind.js';
import { propertyPath } from '../codec/state-trail.js';
import { type MergeRule, applyMergeRule } from './merge-rule.js';
import { MergeConflicts, mergeValues, missing } from './merge-values.js';
import { sameState } from './same-state.js';

type State = Readonly<Record<string, unknown>>;

/** Two states that were made from the same base, and how to merge them. */
export interface ThreeStates {
  readonly base: State;

  /** The later one: its changes are applied on top of `theirs`. */
  readonly mine: State;

  readonly theirs: State;

  /** By name of the top-level field; a rule gets the whole value of the field. */
  readonly rules: ReadonlyMap<string, MergeRule>;

  /** The outcome of a conflict that no rule decides: the states cannot be merged, or mine wins in that place. */
  readonly onConflict: 'reject' | 'latest';

  /** The first part of the paths in errors: the name of the bean. */
  readonly root?: string;
}

export type MergeOutcome =
  | { readonly outcome: 'merged'; readonly state: Record<string, unknown> }
  | { readonly outcome: 'conflict'; readonly fields: readonly string[] };

/**
 * Merges field by field. A field that only one side changed (set, deleted) gets that side's value. A field that both
 * changed is merged by its rule. Without a rule, plain objects and Maps are merged in the same way, key by key, and
 * equal values are kept. Equal numbers and sequences are not: two equal increments or appends may have been two
 * changes. All else is a conflict.
 *
 * The three states are not changed. The result may share parts with them, so treat all four as frozen.
 *
 * @throws SessionStateError when a rule is a function that throws
 */
export function threeWayMerge({ base, mine, theirs, rules, onConflict, root = '' }: ThreeStates): MergeOutcome {
  const state: Record<string, unknown> = {};
  const conflicts = new MergeConflicts(onConflict);
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(mine), ...Object.keys(base)])) {
    const merged = mergeField(own(base, key), own(mine, key), own(theirs, key), key);
    if (merged !== missing) setOwn(state, key, merged);
  }
  const { fields } = conflicts;
  return fields.length > 0 ? { outcome: 'conflict', fields } : { outcome: 'merged', state };

  function mergeField(baseValue: unknown, mineValue: unknown, theirsValue: unknown, key: string): unknown {
    // In this order: a difference that does not count as a change (the order of a Map) is then taken from mine.
    if (sameState(theirsValue, baseValue)) return mineValue;
    if (sameState(mineValue, baseValue)) return theirsValue;
    const values = { base: baseValue, mine: mineValue, theirs: theirsValue };
    const rule = rules.get(key);
    return rule === undefined
      ? mergeValues(values, propertyPath('', key), conflicts)
      : applyMergeRule(rule, values, { field: propertyPath('', key), path: propertyPath(root, key), conflicts });
  }
}

function own(state: State, key: string): unknown {
  return Object.hasOwn(state, key) ? state[key] : missing;
}
