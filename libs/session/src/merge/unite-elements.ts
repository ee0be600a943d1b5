import { SessionStateError } from '../errors/session-state.error.js';
import { stateKind } from '../codec/state-kind.js';
import { sameState } from './same-state.js';

/**
 * What either side added, without what either removed. For Sets, and for arrays whose elements are all different; undefined
 * counts as empty. Elements that are objects are told apart by what they contain.
 */
export function uniteElements(base: unknown, mine: unknown, theirs: unknown, path: string): Set<unknown> | unknown[] {
  const given = [base, mine, theirs].filter((value) => value !== undefined);
  const areSets = given.every((value) => stateKind(value) === 'set');
  if (!areSets && !given.every((value) => stateKind(value) === 'array')) {
    throw new SessionStateError(
      path,
      `cannot be merged by 'union', which is for fields that are always Sets or always arrays`,
    );
  }
  const [before, ours, others] = [base, mine, theirs].map((value) => [...((value ?? []) as Iterable<unknown>)]);
  const [inBefore, inOurs] = [membership(before ?? []), membership(ours ?? [])];
  const kept = (others ?? []).filter((element) => inOurs(element) || !inBefore(element));
  const result: unknown[] = [];
  for (const element of [...kept, ...(ours ?? []).filter((candidate) => !inBefore(candidate))]) {
    if (!isObject(element) || !result.some((other) => sameState(other, element))) result.push(element);
  }
  const united = new Set(result);
  return areSets ? united : [...united];
}

function membership(elements: readonly unknown[]): (element: unknown) => boolean {
  const primitives = new Set(elements);
  const objects = elements.filter(isObject);
  return (element) =>
    isObject(element) ? objects.some((other) => sameState(other, element)) : primitives.has(element);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
