import { setOwn, stateKind } from '../codec/state-kind.js';
import { entryPath, propertyPath } from '../codec/state-trail.js';
import { isObject, sameState } from './same-state.js';

/** Stands for a field that one of the three states does not have. A field that is undefined is another case. */
export const missing: unique symbol = Symbol('missing');

/**
 * The conflicts of one merge: places that both sides changed, where no rule tells how to merge. They are an outcome,
 * not an error. The merge goes on after one, so that all of them are found.
 */
export class MergeConflicts {
  /** Paths inside the state, e.g. `address.city` or `prices.get("x")`. */
  readonly fields: string[] = [];

  constructor(private readonly onConflict: 'reject' | 'latest') {}

  /** Notes the place, unless the later side wins such conflicts. @returns mine, which stands there from now on */
  settle(field: string, mine: unknown): unknown {
    if (this.onConflict === 'reject') this.fields.push(field);
    return mine;
  }
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
 * @param conflicts gets the places that cannot be merged
 * @returns the merged value, or `missing`
 */
export function mergeValues({ base, mine, theirs }: ThreeValues, field: string, conflicts: MergeConflicts): unknown {
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
  if (sameState(mine, theirs) && !isAmbiguous(mine)) return mine;
  return conflicts.settle(field, mine);

  function mergeProperties(result: Properties, before: Properties, ours: Properties, others: Properties): unknown {
    for (const key of new Set([...Object.keys(others), ...Object.keys(ours)])) {
      const values = { base: property(before, key), mine: property(ours, key), theirs: property(others, key) };
      const merged = mergeValues(values, propertyPath(field, key), conflicts);
      if (merged !== missing) setOwn(result, key, merged);
    }
    return result;
  }

  function mergeEntries(before: Entries, ours: Entries, others: Entries): unknown {
    const result: Entries = new Map();
    for (const key of new Set([...others.keys(), ...ours.keys()])) {
      const values = { base: entry(before, key), mine: entry(ours, key), theirs: entry(others, key) };
      const merged = mergeValues(values, entryPath(field, key, 0), conflicts);
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
