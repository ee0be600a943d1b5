import type { Redis } from 'ioredis';
import type { ScriptArguments } from './script-arguments.js';
import { sendAgain } from './send-again.js';

/** A script that recognises what it has done already, and the one that runs it for several calls (`lua/batch.lua`). */
export interface BatchedScript {
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

/** In characters one way and bytes the other; the last session may pass it. */
const MAX_SIZE = 256 * 1024;

/** That there is no session, which both scripts answer like that. */
const NONE = '0'.charCodeAt(0);

/**
 * Sends the calls of a script that are made in one turn of the event loop together: for small sessions, what a command costs in the client, the promise,
 * the parser and the server's start of a script is more than what it does.
 *
 * A batch is an attempt. Whatever it does not answer is asked alone, which decides: all of it when it fails, because the connection was lost or the
 * server wants none of it; and a session that is not there, since a proxy in front of several servers may have asked the wrong one. Calls may thus be made twice.
 */
export class ScriptBatch {
  private calls: Call[] = [];

  /** How many calls fit into a batch by the size of what was answered lately; 1 for none. */
  private fitting = MAX_CALLS;

  /** Its server has all keys of a batch; others say CROSSSLOT. */
  private isRefused = false;

  constructor(
    private readonly client: Redis,
    private readonly script: BatchedScript,
  ) {}

  run(args: ScriptArguments): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.calls.length === 0) setImmediate(this.send);
      this.calls.push({ args, resolve, reject });
    });
  }

  private readonly send = (): void => {
    const { calls, client } = this;
    this.calls = [];
    const { stream } = client;
    stream?.cork();
    for (let from = 0; from < calls.length;) {
      const batch = calls.slice(from, this.endOfBatch(calls, from));
      from += batch.length;
      if (batch.length === 1) this.ask(batch[0] as Call);
      else this.askTogether(batch);
    }
    stream?.uncork();
  };

  /** @returns where in `calls` the one after the batch stands that begins at `from` */
  private endOfBatch(calls: readonly Call[], from: number): number {
    if (this.isRefused || this.client.status !== 'ready') return from + 1;
    const most = Math.min(calls.length, from + this.fitting);
    let size = 0;
    let at = from;
    while (at < most && size <= MAX_SIZE) size += sizeOf((calls[at++] as Call).args);
    return at;
  }

  private ask({ args, resolve, reject }: Call): void {
    sendAgain(this.client, () => this.script.one(args)).then((reply) => {
      if (this.fitting === 1 && reply.length < MAX_SIZE / 2) this.fitting = 2;
      resolve(reply);
    }, reject);
  }

  private askTogether(calls: readonly Call[]): void {
    const { keys, many } = this.script;
    const head: (string | number)[] = [calls.length * keys];
    const rest: (string | number)[] = [MAX_SIZE];
    for (const { args } of calls) {
      for (let i = 0; i < keys; i++) head.push(args[i] as string);
      rest.push(args.length - keys);
      for (let i = keys; i < args.length; i++) rest.push(args[i] as string);
    }
    many([...head, ...rest]).then(
      (replies) => this.answered(calls, replies),
      (error: unknown) => this.failed(calls, error),
    );
  }

  private answered(calls: readonly Call[], replies: readonly Buffer[]): void {
    const ran = replies.findLastIndex((reply) => reply.length > 0) + 1;
    if (ran < calls.length) this.fitting = Math.max(1, ran);
    else if (ran === this.fitting && ran < MAX_CALLS) this.fitting++;
    for (const [i, call] of calls.entries()) {
      const reply = replies[i];
      if (reply === undefined || reply.length === 0 || reply[0] === NONE) this.ask(call);
      else call.resolve(reply);
    }
  }

  private failed(calls: readonly Call[], error: unknown): void {
    if (error instanceof Error && error.message.startsWith('CROSSSLOT')) this.isRefused = true;
    for (const call of calls) this.ask(call);
  }
}

function sizeOf(args: ScriptArguments): number {
  let size = 0;
  for (const arg of args) if (typeof arg === 'string') size += arg.length;
  return size;
}
