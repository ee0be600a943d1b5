import { SessionStateError } from '../errors/session-state.error.js';
import type { CodecLimits } from './codec-limits.js';
import { TaggingWalk } from './tagging-walk.js';

/**
 * State as JSON text that loses nothing. Strings, finite numbers, booleans, null, plain objects and arrays are written as they
 * are; Date, Map, Set, bigint, undefined, NaN, infinities, -0, Uint8Array, Buffer and objects without a prototype as an object
 * with one key: `{"$date":0}`. A key of the application's that starts with `$` gets one more, so the two cannot be mistaken.
 *
 * What is referred to twice is written twice: it comes back as two copies. Frozen comes back unfrozen.
 *
 * @param root what paths start with: the name of the bean
 * @param json what JSON.stringify makes of the state, if it is known to be plain
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
    // A proxy's trap, or a prototype that promises what the object is not.
    throw new SessionStateError(walk.path, 'could not be read while it was to be stored', { cause: error });
  }
}
