import { gatherWrites } from './gather-writes.js';
import { isPassing } from './is-passing.js';
import type { RedisClient } from './redis-client.js';
import { withoutArguments } from './without-arguments.js';

/**
 * Pauses before a command is sent again after a passing fault, in ms: long enough for a connection to come back or a slot to move, together
 * shorter than `storeTimeoutMs`. Half as long to one and a half times as long, so that servers do not come back in step.
 */
const PAUSES_MS = [25, 50, 100, 200];

/** After this long nothing is sent again: whoever asked has been answered. */
const GIVE_UP_MS = 600;

/**
 * Sends a command, and again after faults that pass by. Only for commands that recognise what they have done already: the answer of the
 * first may have been lost.
 *
 * @param start when it was asked for, if that was before, by the clock of `performance`
 */
export function sendAgain<T>(
  client: RedisClient,
  command: () => Promise<T>,
  start: number = performance.now(),
): Promise<T> {
  gatherWrites(client);
  try {
    return command().catch((error: unknown) => afterFault(error, client, command, start));
  } catch (error) {
    // A cluster with a hole in its slots, if its client pipelines by itself.
    return afterFault(error, client, command, start);
  }
}

/** Whether whoever asked at `start` has been answered, if the command takes another `ms`. */
export function isTooLate(start: number, ms = 0): boolean {
  return performance.now() - start + ms > GIVE_UP_MS;
}

async function afterFault<T>(
  fault: unknown,
  client: RedisClient,
  command: () => Promise<T>,
  start: number,
): Promise<T> {
  let error = fault;
  for (const pause of PAUSES_MS) {
    if (isTooLate(start, pause) || client.status === 'end' || !isPassing(error)) break;
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    gatherWrites(client);
    try {
      return await command();
    } catch (next) {
      error = next;
    }
  }
  throw withoutArguments(error);
}
