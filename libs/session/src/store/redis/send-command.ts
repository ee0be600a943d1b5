import { Redis } from 'ioredis';
import type { RedisClient } from './redis-client.js';

/**
 * The pauses before a command is sent again, in ms. They are long enough for a connection to come back or a slot to
 * move, and together shorter than the default of `storeTimeoutMs`. Each is stretched or shortened by up to a half, so
 * that application servers do not come back in step.
 */
const PAUSES_MS = [25, 50, 100, 200];

/** After this long nothing is sent again: the request was answered by then. */
const GIVE_UP_MS = 600;

/**
 * Errors of a server that is starting, failing over or moving slots. NOSCRIPT belongs to them: a replica refuses a
 * script, and ioredis takes the script for known there from then on.
 */
const PASSING_REPLIES = /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|UNBLOCKED|NOSCRIPT)\b/;

/**
 * Sends a command, and sends it again after a fault that passes by. The answer to the first may have been lost, so the
 * command must recognise what it has done already.
 *
 * @param startedAt when the command was first asked for, by `performance.now()`
 * @throws the last error, without the arguments of the command
 */
export function sendWithRetries<T>(
  client: RedisClient,
  command: () => Promise<T>,
  startedAt: number = performance.now(),
): Promise<T> {
  gatherWrites(client);
  try {
    return command().catch((error: unknown) => retry(error, client, command, startedAt));
  } catch (error) {
    // A cluster client that pipelines by itself throws when no server has the slot.
    return retry(error, client, command, startedAt);
  }
}

async function retry<T>(fault: unknown, client: RedisClient, command: () => Promise<T>, startedAt: number): Promise<T> {
  let error = fault;
  for (const pause of PAUSES_MS) {
    if (isTooLate(startedAt, pause) || client.status === 'end' || !isPassingFault(error)) break;
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

/** Whether the request that asked at `startedAt` has its answer already, or will have it in `ms` from now. */
export function isTooLate(startedAt: number, ms = 0): boolean {
  return performance.now() - startedAt + ms > GIVE_UP_MS;
}

/** Whether the same command may succeed later. An error in the server's answer is final unless it passes by. */
export function isPassingFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'ReplyError' ? PASSING_REPLIES.test(error.message) : true;
}

/** Takes the command's arguments off an error of ioredis: they hold a session, which must not get into logs. */
export function withoutArguments(error: unknown): unknown {
  if (error instanceof Error && 'command' in error) delete error.command;
  return error;
}

/**
 * Sends the commands of this turn of the event loop in one piece: for a small command, the system call costs more than
 * all the rest. (`enableAutoPipelining` of ioredis does this too, at a higher price.) The connections of a cluster are
 * left alone, because it chooses among them for each command.
 */
export function gatherWrites(client: RedisClient): void {
  if (!(client instanceof Redis) || !client.stream || client.stream.writableCorked > 0) return;
  client.stream.cork();
  setImmediate(uncork, client.stream);
}

function uncork(stream: Redis['stream']): void {
  stream.uncork();
}
