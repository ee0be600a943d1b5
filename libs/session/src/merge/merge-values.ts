import { setOwn, stateKind } from '../codec/state-kind.js';
import { entryPath, propertyPath } from '../codec/state-trail.js';
import { isObject, sameState } from './same-state.js';

/** Stands for a field that one of the three states does not have. A field that is undefined is another case. */
export const missing: unique symbol = Symbol('missing');

/** Both sides changed a field, and no rule tells how to merge it. This is an outcome, not an error. */
export class MergeConflict {
  /** @param field path inside the state, e.g. `address.city` or `prices.get("x")` */
  constructor(readonly field: string) {}
}

/** The values that the three states have in one place; `missing` where a state has none. */
export interface ThreeValues {
  readonly base: unknown;
  readonly mine: unknown;
  readonly theirs: unknown;
}

type Properties = Record<string, unknown>;
type Entries = Map<unknown, unknown>;

/**
 * Merges one value that has no rule: plain objects and Maps key by key, also nested ones.
 *
 * @returns the merged value, `missing`, or a MergeConflict
 */
export function mergeValues(
  { base, mine, theirs }: ThreeValues,
  field: string,
  onConflict: 'reject' | 'latest',
): unknown {
  if (sameState(theirs, base)) return mine;
  if (sameState(mine, base)) return theirs;
  const kind = stateKind(mine);
  if (kind === stateKind(theirs) && (base === missing || kind === stateKind(base))) {
    if (kind === 'object' || kind === 'record') {
      const result = (kind === 'record' ? Object.create(null) : {}) as Properties;
      return mergeProperties(
        result,
        base === missing ? {} : (base as Properties),
        mine as Properties,
        theirs as Properties,
      );
    }
    if (kind === 'map') {
      const before: Entries = base === missing ? new Map() : (base as Entries);
      if ([before, mine as Entries, theirs as Entries].every(hasPrimitiveKeys)) {
        return mergeEntries(before, mine as Entries, theirs as Entries);
      }
    }
  }
  if (onConflict === 'latest' || (sameState(mine, theirs) && !isAmbiguous(mine))) return mine;
  return new MergeConflict(field);

  function mergeProperties(result: Properties, before: Properties, ours: Properties, others: Properties): unknown {
    for (const key of new Set([...Object.keys(others), ...Object.keys(ours)])) {
      const values = { base: property(before, key), mine: property(ours, key), theirs: property(others, key) };
      const merged = mergeValues(values, propertyPath(field, key), onConflict);
      if (merged instanceof MergeConflict) return merged;
      if (merged !== missing) setOwn(result, key, merged);
    }
    return result;
  }

  function mergeEntries(before: Entries, ours: Entries, others: Entries): unknown {
    const result: Entries = new Map();
    for (const key of new Set([...others.keys(), ...ours.keys()])) {
      const values = { base: entry(before, key), mine: entry(ours, key), theirs: entry(others, key) };
      const merged = mergeValues(values, entryPath(field, key, 0), onConflict);
      if (merged instanceof MergeConflict) return merged;
      if (merged !== missing) result.set(key, merged);
    }
    return result;
  }
}

function property(properties: Properties, key: string): unknown {
  return Object.hasOwn(properties, key) ? properties[key] : missing;
}

function entry(entries: Entries, key: unknown): unknown {
  return entries.has(key) ? entries.get(key) : missing;
}

// A Map finds an object only by its identity, and equal objects of two states are two objects.
function hasPrimitiveKeys(entries: Entries): boolean {
  for (const key of entries.keys()) {
    if (isObject(key)) return false;
  }
  return true;
}

/**
 * Whether two equal results may come from two changes that both count: numbers, sequences, and values that contain one.
 */
function isAmbiguous(value: unknown): boolean {
  switch (stateKind(value)) {
    case 'object':
    case 'record':
      return Object.values(value as Properties).some(isAmbiguous);
    case 'map':
      return [...(value as Entries).values()].some(isAmbiguous);
    case 'array':
    case 'bytes':
    case 'buffer':
      return true;
    default:
      return typeof value === 'number' || typeof value === 'bigint';
  }
}
