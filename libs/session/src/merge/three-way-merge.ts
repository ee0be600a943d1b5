import { propertyPath } from '../codec/property-path.js';
import { setOwn } from '../codec/set-own.js';
import { applyMergeRule } from './apply-merge-rule.js';
import { MergeConflict } from './merge-conflict.js';
import { mergeValues } from './merge-values.js';
import type { MergeRule } from './merge-rule.js';
import { missing } from './missing.js';
import { sameState } from './same-state.js';

type State = Readonly<Record<string, unknown>>;

/** Two states that grew out of the same base. */
export interface ThreeStates {
  readonly base: State;

  /** The later one: its changes come on top of `theirs`. */
  readonly mine: State;

  readonly theirs: State;

  /** By name of the top-level field; a rule has the whole value of the field. */
  readonly rules: ReadonlyMap<string, MergeRule>;

  /** What a conflict means that no rule decides: stop, or mine wins there. */
  readonly onConflict: 'reject' | 'latest';

  /** What the paths of errors start with: the name of the bean. */
  readonly root?: string;
}

export type MergeOutcome =
  | { readonly outcome: 'merged'; readonly state: Record<string, unknown> }
  | { readonly outcome: 'conflict'; readonly field: string };

/**
 * Merges field by field. A field that only one side changed (set, deleted) has that side's value. One that both changed follows
 * its rule; without one, plain objects and Maps are merged in the same way, key by key, and values that became equal are kept
 * unless they count or collect: of two equal increments or appends nobody knows whether they were one. All else is a conflict.
 *
 * The three states are not changed; the result may share parts with them, so treat all as frozen.
 *
 * @throws SessionStateError when a rule does not fit the values of its field, or is a function that throws
 */
export function threeWayMerge({ base, mine, theirs, rules, onConflict, root = '' }: ThreeStates): MergeOutcome {
  const state: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(mine), ...Object.keys(base)])) {
    const merged = mergeField(own(base, key), own(mine, key), own(theirs, key), key);
    if (merged instanceof MergeConflict) return { outcome: 'conflict', field: merged.field };
    if (merged !== missing) setOwn(state, key, merged);
  }
  return { outcome: 'merged', state };

  function mergeField(baseValue: unknown, mineValue: unknown, theirsValue: unknown, key: string): unknown {
    // In this order, so that what does not count as a change (the order of a Map) is mine when nobody else changed anything.
    if (sameState(theirsValue, baseValue)) return mineValue;
    if (sameState(mineValue, baseValue)) return theirsValue;
    const values = { base: baseValue, mine: mineValue, theirs: theirsValue };
    const rule = rules.get(key);
    return rule === undefined
      ? mergeValues(values, propertyPath('', key), onConflict)
      : applyMergeRule(rule, values, { field: propertyPath('', key), path: propertyPath(root, key), onConflict });
  }
}

function own(state: State, key: string): unknown {
  return Object.hasOwn(state, key) ? state[key] : missing;
}
