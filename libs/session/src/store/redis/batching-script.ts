import { AsyncResource } from 'node:async_hooks';
import type { Redis } from 'ioredis';
import { BatchLimits, MAX_BATCH_SIZE } from './batch-limits.js';
import type { ScriptArguments } from './redis-client.js';
import { saysNoSession } from './redis-reply.js';
import {
  CommandFailure,
  type EarlierAttempt,
  isPassingFault,
  isTooLate,
  isUnanswered,
  sendWithRetries,
} from './send-command.js';

/** A script that recognises what it has done already, and the one that runs it for several calls (`lua/batch.lua`). */
export interface ScriptCalls {
  /** How many keys a call has. */
  readonly keys: number;
  readonly one: (args: ScriptArguments) => Promise<Buffer>;
  readonly many: (args: ScriptArguments) => Promise<Buffer[]>;
}

interface Call {
  readonly args: ScriptArguments;
  readonly resolve: (reply: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs the calls of a script that are made in one turn of the event loop as one command. For small sessions a command
 * costs more than its work: in the client, for the promise and the parser, and in the server, to start a script.
 *
 * A batch is only an attempt. A call that it does not answer is sent alone, and that answer counts:
 * - all calls of a batch that failed, because the connection was lost or the server accepts no batches;
 * - a call for a session that was not found, because a proxy may have chosen the server by the batch's first key;
 * - a call that was not run, because the answers before it were too large.
 *
 * So a call may reach the server twice.
 */
export class BatchingScript {
  /** The calls of this turn of the event loop. */
  private calls: Call[] = [];
  private readonly limits: BatchLimits;

  /** Batches run in the async context of no request: else a trace would show each as a part of its first request. */
  private readonly outsideRequests = new AsyncResource('nestjs-session-beans:redis-batch');

  /** @param onSwitchedOff is called once, when each call goes alone from now on */
  constructor(
    private readonly client: Redis,
    private readonly script: ScriptCalls,
    onSwitchedOff: () => void,
  ) {
    this.limits = new BatchLimits(onSwitchedOff);
  }

  run(args: ScriptArguments): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.calls.length === 0) setImmediate(this.sendCalls);
      this.calls.push({ args, resolve, reject });
    });
  }

  private readonly sendCalls = (): void => {
    const { calls } = this;
    this.calls = [];
    const startedAt = performance.now();
    const { stream } = this.client;
    // In one piece, as with `gatherWrites`, but now: that would release the commands one turn later.
    stream?.cork();
    try {
      if (calls.length === 1) this.sendAlone(calls[0] as Call, { startedAt });
      else this.outsideRequests.runInAsyncScope(() => this.sendInBatches(calls, startedAt));
    } finally {
      stream?.uncork();
    }
  };

  private sendInBatches(calls: readonly Call[], startedAt: number): void {
    for (let from = 0; from < calls.length;) {
      const batch = calls.slice(from, this.endOfBatch(calls, from));
      from += batch.length;
      if (batch.length === 1) this.sendAlone(batch[0] as Call, { startedAt });
      else void this.sendBatch(batch, startedAt);
    }
  }

  /** @returns the index in `calls` after the last call of the batch that begins at `from` */
  private endOfBatch(calls: readonly Call[], from: number): number {
    if (this.client.status !== 'ready') return from + 1;
    const end = Math.min(calls.length, from + this.limits.mostCalls);
    let size = 0;
    let at = from;
    while (at < end && size <= MAX_BATCH_SIZE) size += sizeOf((calls[at++] as Call).args);
    return at;
  }

  private sendAlone({ args, resolve, reject }: Call, earlier: EarlierAttempt, onReply?: (reply: Buffer) => void): void {
    sendWithRetries(this.client, () => this.script.one(args), earlier).then((reply) => {
      this.limits.noteLoneAnswer(reply.length);
      resolve(reply);
      onReply?.(reply);
    }, reject);
  }

  /** Never rejects: each call is told by its own promise. */
  private async sendBatch(calls: readonly Call[], startedAt: number): Promise<void> {
    const { status } = this.client;
    let replies: readonly Buffer[];
    try {
      replies = await this.script.many(this.batchArguments(calls));
      if (!Array.isArray(replies)) throw new TypeError('a batch was answered with something else than an array');
    } catch (error) {
      const mayHaveRun = isUnanswered(error, this.client, status);
      return this.onBatchFailed(calls, { startedAt, mayHaveRun }, error);
    }
    this.onBatchAnswered(calls, startedAt, replies);
  }

  /** The arguments of `lua/batch.lua`, after their number of keys. */
  private batchArguments(calls: readonly Call[]): ScriptArguments {
    const { keys } = this.script;
    const names: (string | number)[] = [calls.length * keys];
    const rest: (string | number)[] = [MAX_BATCH_SIZE];
    for (const { args } of calls) {
      for (let i = 0; i < keys; i++) names.push(args[i] as string);
      rest.push(args.length - keys);
      for (let i = keys; i < args.length; i++) rest.push(args[i] as string);
    }
    return [...names, ...rest];
  }

  private onBatchAnswered(calls: readonly Call[], startedAt: number, replies: readonly Buffer[]): void {
    this.limits.noteBatch(calls.length, replies.findLastIndex((reply) => reply.length > 0) + 1);
    let isBad = false;
    const onReply = (reply: Buffer): void => {
      if (isBad || saysNoSession(reply)) return;
      isBad = true;
      this.limits.noteBadBatch();
    };
    for (const [i, call] of calls.entries()) {
      const reply = replies[i];
      if (reply === undefined || reply.length === 0) this.sendAlone(call, { startedAt });
      else if (saysNoSession(reply)) this.sendAlone(call, { startedAt }, onReply);
      else call.resolve(reply);
    }
  }

  private onBatchFailed(calls: readonly Call[], batch: Required<EarlierAttempt>, error: unknown): void {
    if (isTooLate(batch.startedAt)) {
      for (const { reject } of calls) reject(new CommandFailure(error, batch.mayHaveRun));
      return;
    }
    // A fault that passes by, such as a lost connection, says nothing about batches.
    let isCounted = isPassingFault(error);
    const onReply = (): void => {
      if (!isCounted) this.limits.noteBadBatch();
      isCounted = true;
    };
    for (const call of calls) this.sendAlone(call, batch, onReply);
  }
}

function sizeOf(args: ScriptArguments): number {
  let size = 0;
  for (const arg of args) if (typeof arg === 'string') size += arg.length;
  return size;
}
