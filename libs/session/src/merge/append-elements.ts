import { SessionStateError } from '../errors/session-state.error.js';
import { stateKind } from '../codec/state-kind.js';
import { sameState } from './same-state.js';

/**
 * What mine appended to `base` goes behind `theirs`; an undefined `base` counts as empty.
 *
 * @returns undefined when that cannot be: mine did more than append, or one side deleted the array
 */
export function appendElements(base: unknown, mine: unknown, theirs: unknown, path: string): unknown[] | undefined {
  if (![base, mine, theirs].every((value) => value === undefined || stateKind(value) === 'array')) {
    throw new SessionStateError(path, `cannot be merged by 'append', which is for arrays`);
  }
  if (mine === undefined || theirs === undefined) return undefined;
  const before = (base ?? []) as unknown[];
  const ours = mine as unknown[];
  if (!before.every((element, i) => i < ours.length && sameState(element, ours[i]))) return undefined;
  return [...(theirs as unknown[]), ...ours.slice(before.length)];
}
