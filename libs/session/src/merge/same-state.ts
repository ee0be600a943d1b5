import { stateKind } from '../codec/state-kind.js';

/**
 * Deep equality of state. NaN equals NaN, 0 differs from -0, and an undefined property from none. The order of keys and
 * of the entries of Maps and Sets does not count, except among entries whose key (or element) is an object: these are
 * compared one by one, in their order.
 */
export function sameState(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  const kind = stateKind(a);
  if (kind === undefined || kind !== stateKind(b)) return false;
  switch (kind) {
    case 'object':
    case 'record':
      return sameProperties(a as Record<string, unknown>, b as Record<string, unknown>);
    case 'array':
      return sameElements(a as unknown[], b as unknown[]);
    case 'date':
      return (a as Date).getTime() === (b as Date).getTime();
    case 'map':
      return sameEntries(a as Map<unknown, unknown>, b as Map<unknown, unknown>);
    case 'set':
      return sameMembers(a as Set<unknown>, b as Set<unknown>);
    case 'bytes':
    case 'buffer':
      return sameElements(a as Uint8Array, b as Uint8Array);
  }
}

function sameProperties(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameState(a[key], b[key]))
  );
}

function sameElements(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (!sameState(a[i], b[i])) return false;
  }
  return true;
}

function sameEntries(a: Map<unknown, unknown>, b: Map<unknown, unknown>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    if (!isObject(key) && !(b.has(key) && sameState(value, b.get(key)))) return false;
  }
  return sameElements(
    [...a].filter(([key]) => isObject(key)),
    [...b].filter(([key]) => isObject(key)),
  );
}

function sameMembers(a: Set<unknown>, b: Set<unknown>): boolean {
  if (a.size !== b.size) return false;
  for (const element of a) {
    if (!isObject(element) && !b.has(element)) return false;
  }
  return sameElements([...a].filter(isObject), [...b].filter(isObject));
}

/** Whether a value is an object, which a Map or a Set finds by identity and not by content. */
export function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
