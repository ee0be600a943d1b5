import { type RedisPort, isPassingFault } from './clients/redis-port.js';

/**
 * The pauses before a command is sent again, in ms. They are long enough for a connection to come back or a slot to
 * move, and together shorter than the default of `storeTimeoutMs`. Each is stretched or shortened by up to a half, so
 * that application servers do not come back in step.
 */
const PAUSES_MS = [25, 50, 100, 200];

/** After this long nothing is sent again: the request was answered by then. */
const GIVE_UP_MS = 600;

/** A command that failed for good. The cause is the error of the client, without the arguments of the command. */
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
  client: RedisPort,
  command: () => Promise<T>,
  { startedAt = performance.now(), mayHaveRun = false }: EarlierAttempt = {},
): Promise<T> {
  const wasReady = client.isReady;
  const onFault = (error: unknown): Promise<T> =>
    retry(error, client, command, { startedAt, mayHaveRun: mayHaveRun || client.mayHaveRun(error, wasReady) });
  try {
    return command().catch(onFault);
  } catch (error) {
    // A cluster client of ioredis that pipelines by itself throws when no server has the slot.
    return onFault(error);
  }
}

async function retry<T>(
  fault: unknown,
  client: RedisPort,
  command: () => Promise<T>,
  { startedAt, mayHaveRun }: Required<EarlierAttempt>,
): Promise<T> {
  let error = fault;
  let isUnknown = mayHaveRun;
  for (const pause of PAUSES_MS) {
    if (isTooLate(startedAt, pause) || client.isEnded || !isPassingFault(error)) break;
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    const wasReady = client.isReady;
    try {
      return await command();
    } catch (next) {
      error = next;
      isUnknown ||= client.mayHaveRun(error, wasReady);
    }
  }
  throw new CommandFailure(error, isUnknown);
}

/** Whether the request that asked at `startedAt` has its answer already, or will have it in `ms` from now. */
export function isTooLate(startedAt: number, ms = 0): boolean {
  return performance.now() - startedAt + ms > GIVE_UP_MS;
}

/** Takes the command's arguments off an error of ioredis: they hold a session, which must not get into logs. */
function withoutArguments(error: unknown): unknown {
  if (error instanceof Error && 'command' in error) delete error.command;
  return error;
}
