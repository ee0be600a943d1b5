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
 */
export function sendAgain<T>(client: RedisClient, command: () => Promise<T>): Promise<T> {
  const start = performance.now();
  gatherWrites(client);
  try {
    return command().catch((error: unknown) => afterFault(error, client, command, start));
  } catch (error) {
    // A cluster with a hole in its slots, if its client pipelines by itself.
    return afterFault(error, client, command, start);
  }
}

async function afterFault<T>(
  fault: unknown,
  client: RedisClient,
  command: () => Promise<T>,
  start: number,
): Promise<T> {
  let error = fault;
  for (const pause of PAUSES_MS) {
    const isLate = performance.now() - start + pause > GIVE_UP_MS;
    if (isLate || client.status === 'end' || !isPassing(error)) break;
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
