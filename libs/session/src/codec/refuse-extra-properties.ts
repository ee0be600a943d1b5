import type { StateTrail } from './state-trail.js';

/**
 * Refuses what somebody has hung on an array, Date, Map or Set, which no text form of it has.
 *
 * @param expected number of own properties that are its own
 * @throws SessionStateError naming the path of the property
 */
export function refuseExtraProperties(source: object, expected: number, trail: StateTrail): void {
  const keys = Reflect.ownKeys(source);
  if (keys.length === expected) return;
  const extra = keys[keys.length - 1] as string | symbol;
  trail.push(typeof extra === 'symbol' ? (parent) => `${parent}[${String(extra)}]` : extra);
  throw trail.refused('is an extra property of an array, Date, Map or Set and would get lost; put both into an object');
}
