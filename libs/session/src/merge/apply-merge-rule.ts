import { SessionStateError } from '../errors/session-state.error.js';
import { appendElements } from './append-elements.js';
import { largest } from './largest.js';
import { MergeConflict } from './merge-conflict.js';
import type { MergeRule } from './merge-rule.js';
import type { ThreeValues } from './merge-values.js';
import { missing } from './missing.js';
import { sumDifferences } from './sum-differences.js';
import { uniteElements } from './unite-elements.js';

/** Where the rule is applied. */
export interface MergePlace {
  /** Path inside the state, for a conflict. */
  readonly field: string;

  /** Path with the bean's name, for an error. */
  readonly path: string;

  readonly onConflict: 'reject' | 'latest';
}

/**
 * Merges a field that both sides changed by its rule. A field that is undefined counts as one that is not there.
 *
 * @returns the merged value, `missing` (both deleted it), or a MergeConflict
 * @throws SessionStateError when the rule does not fit the values
 */
export function applyMergeRule(rule: MergeRule, values: ThreeValues, place: MergePlace): unknown {
  if (rule === 'latest') return values.mine;
  if (rule === 'reject') return new MergeConflict(place.field);
  if (values.mine === missing && values.theirs === missing) return missing;
  const [base, mine, theirs] = [present(values.base), present(values.mine), present(values.theirs)];
  if (typeof rule === 'function') return calledRule(rule, base, mine, theirs, place);
  if (rule === 'append') {
    const appended = appendElements(base, mine, theirs, place.path);
    if (appended !== undefined) return appended;
    return place.onConflict === 'latest' ? values.mine : new MergeConflict(place.field);
  }
  // Both became undefined, or one was deleted and the other became undefined.
  if (mine === undefined && theirs === undefined) return undefined;
  switch (rule) {
    case 'sum':
      return sumDifferences(base, mine, theirs, place.path);
    case 'max':
      return largest(mine, theirs, 1, place.path);
    case 'min':
      return largest(mine, theirs, -1, place.path);
    case 'union':
      return uniteElements(base, mine, theirs, place.path);
  }
}

function present(value: unknown): unknown {
  return value === missing ? undefined : value;
}

function calledRule(
  rule: (base: unknown, mine: unknown, theirs: unknown) => unknown,
  base: unknown,
  mine: unknown,
  theirs: unknown,
  { path }: MergePlace,
): unknown {
  try {
    return rule(base, mine, theirs);
  } catch (cause) {
    throw new SessionStateError(path, 'could not be merged: the function of its @Merge(...) threw', { cause });
  }
}
