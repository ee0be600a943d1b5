import { Cluster, Redis } from 'ioredis';
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

/** Errors of ioredis for a command that it does not keep and has not written to any connection. */
const NOT_SENT = /^(Stream isn't writeable|Cluster isn't ready) and enableOfflineQueue options is false/;

/** A command that failed for good. The cause is the error of ioredis, without the arguments of the command. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';

  /** @param mayHaveRun whether the server may have run it all the same, in this attempt or in an earlier one */
  constructor(
    error: unknown,
    readonly mayHaveRun: boolean,
  ) {
    const cause = withoutArguments(error);
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** What went before the first attempt of `sendWithRetries`. */
export interface EarlierAttempt {
  /** When the command was first asked for, by `performance.now()`. */
  readonly startedAt?: number;

  /** Whether the server may have run the command already. */
  readonly mayHaveRun?: boolean;
}

/**
 * Sends a command, and sends it again after a fault that passes by. The answer to the first may have been lost, so the
 * command must recognise what it has done already.
 *
 * @throws (rejects with) CommandFailure
 */
export function sendWithRetries<T>(
  client: RedisClient,
  command: () => Promise<T>,
  { startedAt = performance.now(), mayHaveRun = false }: EarlierAttempt = {},
): Promise<T> {
  const { status } = client;
  gatherWrites(client);
  const onFault = (error: unknown): Promise<T> =>
    retry(error, client, command, { startedAt, mayHaveRun: mayHaveRun || isUnanswered(error, client, status) });
  try {
    return command().catch(onFault);
  } catch (error) {
    // A cluster client that pipelines by itself throws when no server has the slot.
    return onFault(error);
  }
}

async function retry<T>(
  fault: unknown,
  client: RedisClient,
  command: () => Promise<T>,
  { startedAt, mayHaveRun }: Required<EarlierAttempt>,
): Promise<T> {
  let error = fault;
  let isUnknown = mayHaveRun;
  for (const pause of PAUSES_MS) {
    if (isTooLate(startedAt, pause) || client.status === 'end' || !isPassingFault(error)) break;
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    const { status } = client;
    gatherWrites(client);
    try {
      return await command();
    } catch (next) {
      error = next;
      isUnknown ||= isUnanswered(error, client, status);
    }
  }
  throw new CommandFailure(error, isUnknown);
}

/**
 * Whether the server may have run a command that ended with this error. It has not where it refused the command, or
 * where the command never left.
 *
 * @param status of the client, before it was given the command
 */
export function isUnanswered(error: unknown, client: RedisClient, status: RedisClient['status']): boolean {
  if (!(error instanceof Error)) return true;
  if (client instanceof Cluster) {
    // A cluster client sends a command again by itself: such an error may be about another server than the first.
    const wasNeverReady = status !== 'ready' && NOT_SENT.test(error.message);
    return isPassingFault(error) && !wasNeverReady;
  }
  return error.name !== 'ReplyError' && !NOT_SENT.test(error.message);
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
function withoutArguments(error: unknown): unknown {
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
