import { Redis } from 'ioredis';
import { BatchingScript } from './batching-script.js';
import type { ScriptArguments, ScriptedClient } from './redis-client.js';
import { type EarlierAttempt, sendWithRetries } from './send-command.js';

type Run<T> = (client: ScriptedClient, args: ScriptArguments) => Promise<T>;

/** A script, and the one that runs it for several calls, if there is one. */
interface Runs {
  readonly keys: number;
  readonly one: Run<Buffer>;
  readonly many?: Run<Buffer[]>;
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
  saveWhenFull: {
    keys: 2,
    one: (client, args) => client.sessionBeansSaveWhenFullBuffer(...args),
  },
} as const satisfies Record<string, Runs>;

/** A script that loads or saves a session, and the client that runs it. */
export class SessionScript {
  private readonly one: Run<Buffer>;

  /** Undefined for a script that is run too seldom, and for a cluster: its sessions lie on several servers. */
  private readonly batching: BatchingScript | undefined;

  constructor(
    name: keyof typeof SCRIPTS,
    readonly client: ScriptedClient,
    warn: (warning: string) => void,
  ) {
    const { keys, one, many }: Runs = SCRIPTS[name];
    this.one = one;
    if (!many || !(client instanceof Redis)) return;
    const calls = { keys, one: one.bind(undefined, client), many: many.bind(undefined, client) };
    this.batching = new BatchingScript(client, calls, () =>
      warn(
        `a ${name} of several sessions at once was refused or answered wrongly, as by a proxy in front of several ` +
          'servers: from now on each goes alone',
      ),
    );
  }

  /** Runs it once, now, on any client. */
  runOnce(client: ScriptedClient, args: ScriptArguments): Promise<Buffer> {
    return this.one(client, args);
  }

  /** Runs it, and again after faults that pass by. @throws (rejects with) CommandFailure */
  run(args: ScriptArguments, earlier?: EarlierAttempt): Promise<Buffer> {
    return sendWithRetries(this.client, () => this.one(this.client, args), earlier);
  }

  /** As `run`, together with the other calls of this turn of the event loop. */
  runBatched(args: ScriptArguments): Promise<Buffer> {
    return this.batching ? this.batching.run(args) : this.run(args);
  }
}
