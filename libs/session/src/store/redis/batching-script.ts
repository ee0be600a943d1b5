import { AsyncResource } from 'node:async_hooks';
import type { Redis } from 'ioredis';
import { isPassing } from './is-passing.js';
import type { ScriptArguments } from './script-arguments.js';
import { isTooLate, sendAgain } from './send-again.js';
import { withoutArguments } from './without-arguments.js';

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

/** A batch is one step of the server, for which everybody else waits. */
const MAX_CALLS = 16;

/** Of what is asked, in characters, and of what is answered, in bytes; the session that passes it is in. */
const MAX_SIZE = 256 * 1024;

/** What an answer begins with that says that there is no session (any more, under this key). */
const NONE = '0'.charCodeAt(0);

/** Batches that were answered worse than their calls alone, each within a minute of the one before: after so many there are no more. */
const MAX_STRIKES = 5;
const STRIKES_WITHIN_MS = 60_000;

/**
 * Runs the calls of a script that are made in one turn of the event loop together: for small sessions, what a command costs in the client, the promise,
 * the parser and the server's start of a script is more than what it does.
 *
 * A batch is an attempt. What it does not answer is asked alone, which decides: all of it when it fails, because the connection was lost or the server
 * wants none of it; and a session that is not there, since what stands at the other end may spread keys over servers by the first of a command. Calls may thus be made twice.
 */
export class BatchingScript {
  private calls: Call[] = [];

  /** How many calls fit into a batch by the size of what was answered lately; 1 for none. */
  private fitting = MAX_CALLS;

  private strikes = 0;
  private struckAt = 0;

  /** A batch belongs to no request: traces would show it as a part of the first. */
  private readonly outside = new AsyncResource('nestjs-session-beans:redis-batch');

  /** @param onStruckOut told once, when calls are made one by one from now on */
  constructor(
    private readonly client: Redis,
    private readonly script: ScriptCalls,
    private readonly onStruckOut: () => void,
  ) {}

  run(args: ScriptArguments): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.calls.length === 0) setImmediate(this.sendAll);
      this.calls.push({ args, resolve, reject });
    });
  }

  private readonly sendAll = (): void => {
    const { calls } = this;
    this.calls = [];
    const start = performance.now();
    const { stream } = this.client;
    // In one piece, and now: what `gatherWrites` holds would leave a turn later.
    stream?.cork();
    try {
      if (calls.length === 1) this.ask(calls[0] as Call, start);
      else this.outside.runInAsyncScope(() => this.sendBatches(calls, start));
    } finally {
      stream?.uncork();
    }
  };

  private sendBatches(calls: readonly Call[], start: number): void {
    for (let from = 0; from < calls.length;) {
      const batch = calls.slice(from, this.endOfBatch(calls, from));
      from += batch.length;
      if (batch.length === 1) this.ask(batch[0] as Call, start);
      else void this.askTogether(batch, start);
    }
  }

  /** @returns where in `calls` the one after the batch stands that begins at `from` */
  private endOfBatch(calls: readonly Call[], from: number): number {
    if (this.strikes >= MAX_STRIKES || this.client.status !== 'ready') return from + 1;
    const most = Math.min(calls.length, from + this.fitting);
    let size = 0;
    let at = from;
    while (at < most && size <= MAX_SIZE) size += sizeOf((calls[at++] as Call).args);
    return at;
  }

  /** @param start when it was asked first */
  private ask({ args, resolve, reject }: Call, start: number, onReply?: (reply: Buffer) => void): void {
    sendAgain(this.client, () => this.script.one(args), start).then((reply) => {
      if (this.fitting === 1 && reply.length < MAX_SIZE / 2) this.fitting = 2;
      resolve(reply);
      onReply?.(reply);
    }, reject);
  }

  /** Never rejects. */
  private async askTogether(calls: readonly Call[], start: number): Promise<void> {
    let replies: readonly Buffer[];
    try {
      replies = await this.script.many(this.argumentsOf(calls));
      if (!Array.isArray(replies)) throw new TypeError('a batch was answered with something else than an array');
    } catch (error) {
      return this.failed(calls, start, error);
    }
    this.answered(calls, start, replies);
  }

  private argumentsOf(calls: readonly Call[]): ScriptArguments {
    const { keys } = this.script;
    const names: (string | number)[] = [calls.length * keys];
    const rest: (string | number)[] = [MAX_SIZE];
    for (const { args } of calls) {
      for (let i = 0; i < keys; i++) names.push(args[i] as string);
      rest.push(args.length - keys);
      for (let i = keys; i < args.length; i++) rest.push(args[i] as string);
    }
    return [...names, ...rest];
  }

  private answered(calls: readonly Call[], start: number, replies: readonly Buffer[]): void {
    const ran = replies.findLastIndex((reply) => reply.length > 0) + 1;
    if (ran < calls.length) this.fitting = Math.max(1, ran);
    else if (ran === this.fitting && ran < MAX_CALLS) this.fitting++;
    let isStruck = false;
    const onReply = (reply: Buffer): void => {
      if (reply[0] === NONE || isStruck) return;
      isStruck = true;
      this.strike();
    };
    for (const [i, call] of calls.entries()) {
      const reply = replies[i];
      if (reply === undefined || reply.length === 0) this.ask(call, start);
      else if (reply[0] === NONE) this.ask(call, start, onReply);
      else call.resolve(reply);
    }
  }

  private failed(calls: readonly Call[], start: number, error: unknown): void {
    // Whoever asked has been answered.
    if (isTooLate(start)) {
      for (const { reject } of calls) reject(withoutArguments(error));
      return;
    }
    let isStruck = isPassing(error);
    const onReply = (): void => {
      if (!isStruck) this.strike();
      isStruck = true;
    };
    for (const call of calls) this.ask(call, start, onReply);
  }

  private strike(): void {
    const now = performance.now();
    this.strikes = now - this.struckAt < STRIKES_WITHIN_MS ? this.strikes + 1 : 1;
    this.struckAt = now;
    if (this.strikes === MAX_STRIKES) this.onStruckOut();
  }
}

function sizeOf(args: ScriptArguments): number {
  let size = 0;
  for (const arg of args) if (typeof arg === 'string') size += arg.length;
  return size;
}
