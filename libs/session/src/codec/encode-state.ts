import { SessionStateError } from '../errors/session-state.error.js';
import type { CodecLimits } from './state-trail.js';
import { DOLLAR, TaggingWalk } from './tagging-walk.js';

/**
 * State as JSON text that loses nothing. Strings, finite numbers, booleans, null, plain objects and arrays are written
 * as they are; Date, Map, Set, bigint, undefined, NaN, infinities, -0, Uint8Array, Buffer and objects without a
 * prototype as an object with one key: `{"$date":0}`. A key of the application that starts with `$` gets one more, so
 * the two cannot be mistaken.
 *
 * An object that is referred to twice is written twice and comes back as two copies. A frozen object comes back
 * unfrozen.
 *
 * @param root the first part of the paths in errors: the name of the bean
 * @param json the text that JSON.stringify gives for the state, where `isPlain` has said that this is enough
 * @throws SessionStateError naming the path of what could not come back as it is: functions, symbols, promises, class
 * instances, cycles, holes in arrays, accessors, invalid Dates, ...
 */
export function encodeState(
  state: Readonly<Record<string, unknown>>,
  root: string,
  limits: CodecLimits,
  json?: string,
): string {
  const walk = new TaggingWalk(root, limits.maxDepth);
  try {
    const tagged = walk.tagged(state);
    return json ?? JSON.stringify(tagged);
  } catch (error) {
    if (error instanceof SessionStateError) throw error;
    // A trap of a proxy threw, or the object is not what its prototype says.
    throw new SessionStateError(walk.path, 'could not be read in order to store it', { cause: error });
  }
}

/**
 * Whether JSON.stringify alone writes a value as `encodeState` does. This is so when the value consists of strings,
 * numbers that JSON has, booleans, null, plain objects and arrays, lies at most `levels` deep, and has no key that must
 * be escaped.
 *
 * Much cheaper than `TaggingWalk`, which finds out what is wrong and where. It reads properties without looking at
 * their descriptors, so it overlooks non-enumerable ones and takes an accessor for the value that it returns.
 */
export function isPlain(value: unknown, levels: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return value - value === 0 && !Object.is(value, -0);
    case 'object':
      if (value === null) return true;
      if (levels === 0) return false;
      return Array.isArray(value) ? isPlainArray(value, levels - 1) : isPlainObject(value, levels - 1);
    default:
      return false;
  }
}

function isPlainArray(array: readonly unknown[], levels: number): boolean {
  if (Object.getPrototypeOf(array) !== Array.prototype || 'toJSON' in array) return false;
  for (let i = 0; i < array.length; i++) if (!isPlain(array[i], levels)) return false;
  return Object.keys(array).length === array.length && Object.getOwnPropertySymbols(array).length === 0;
}

function isPlainObject(object: object, levels: number): boolean {
  if (Object.getPrototypeOf(object) !== Object.prototype) return false;
  for (const key in object) {
    if (key.charCodeAt(0) === DOLLAR || !isPlain((object as Record<string, unknown>)[key], levels)) return false;
  }
  return Object.getOwnPropertySymbols(object).length === 0;
}
