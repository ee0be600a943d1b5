import type { StateTrail } from './state-trail.js';

/**
 * Refuses what somebody has hung on an array, Date, Map or Set, which no text form of it has.
 *
 * @param elements number of own properties that are its own: the length of an array without holes
 * @throws SessionStateError naming the path of the property
 */
export function refuseExtraProperties(source: object, elements: number, trail: StateTrail): void {
  // Not Reflect.ownKeys: for long arrays it takes ten times as long.
  const keys = Object.keys(source);
  const symbols = Object.getOwnPropertySymbols(source);
  if (keys.length === elements && symbols.length === 0) return;
  const symbol = symbols[0];
  trail.push(symbol === undefined ? (keys.at(-1) as string) : (parent) => `${parent}[${String(symbol)}]`);
  throw trail.refused('is an extra property of an array, Date, Map or Set and would get lost; put both into an object');
}
