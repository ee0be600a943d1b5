import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Transit } from '../support/in-transit-store.js';

/**
 * A network that delays every leg by 0 to 3 turns of the event loop, by a seeded sequence.
 * @param lose share of legs that get lost, 0 to 1
 */
export function randomTransit(seed: number, lose = 0): Transit {
  let state = seed;
  const random = (): number => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
  return async (leg, operation) => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns--) await nextTurn();
    if (random() < lose) throw new Error(`the ${leg} of ${operation} was lost`);
  };
}
