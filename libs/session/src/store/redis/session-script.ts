import { Redis } from 'ioredis';
import type { ScriptedClient } from './redis-client.js';
import { ScriptBatch } from './script-batch.js';
import type { ScriptArguments } from './script-arguments.js';
import { sendAgain } from './send-again.js';

interface ScriptCalls {
  readonly keys: number;
  readonly one: (client: ScriptedClient, args: ScriptArguments) => Promise<Buffer>;
  readonly many: (client: ScriptedClient, args: ScriptArguments) => Promise<Buffer[]>;
}

const SCRIPTS = {
  load: {
    keys: 1,
    one: (client, args) => client.sessionBeansLoadBuffer(...args),
    many: (client, args) => client.sessionBeansLoadBatchBuffer(...args),
  },
  save: {
    keys: 2,
    one: (client, args) => client.sessionBeansSaveBuffer(...args),
    many: (client, args) => client.sessionBeansSaveBatchBuffer(...args),
  },
} as const satisfies Record<string, ScriptCalls>;

/** The load or the save script, on the connection on which it is run. */
export class SessionScript {
  private readonly calls: ScriptCalls;
  private readonly batch: ScriptBatch | undefined;

  constructor(
    name: keyof typeof SCRIPTS,
    readonly client: ScriptedClient,
  ) {
    this.calls = SCRIPTS[name];
    const { keys, one, many } = this.calls;
    // A cluster has its sessions on several servers.
    if (client instanceof Redis) {
      this.batch = new ScriptBatch(client, {
        keys,
        one: (args) => one(client, args),
        many: (args) => many(client, args),
      });
    }
  }

  /** Runs it now, on any connection, once. */
  once(client: ScriptedClient, args: ScriptArguments): Promise<Buffer> {
    return this.calls.one(client, args);
  }

  /** Runs it, and again after faults that pass by. */
  run(args: ScriptArguments): Promise<Buffer> {
    return sendAgain(this.client, () => this.calls.one(this.client, args));
  }

  /** As `run`, with what else is asked in this turn of the event loop. */
  runWithOthers(args: ScriptArguments): Promise<Buffer> {
    return this.batch ? this.batch.run(args) : this.run(args);
  }
}
