import type { RedisClientPort, RedisConnection } from './clients/redis-port.js';
import { CommandFailure } from './send-command.js';

/** How long a figure counts as that of now. */
const ASK_AGAIN_MS = 10_000;

/** How much of its memory Redis has in use, as it tells itself. It is asked when somebody wants to know, but seldom. */
export class RedisMemory {
  private share: number | undefined;
  private askedAt = performance.now();

  constructor(private readonly client: RedisClientPort) {}

  /**
   * Share of `maxmemory`, 0 to 1, as Redis told it last; in a cluster that of the fullest server. Undefined where Redis
   * has no limit, and for the first seconds.
   */
  get filled(): number | undefined {
    const now = performance.now();
    if (now - this.askedAt >= ASK_AGAIN_MS) {
      this.askedAt = now;
      void this.ask();
    }
    return this.share;
  }

  private async ask(): Promise<void> {
    const shares = await Promise.all([...this.client.primaries().values()].map(shareOf));
    const known = shares.filter((share) => share !== undefined);
    this.share = known.length > 0 ? Math.max(...known) : undefined;
  }
}

/** Whether Redis has refused a command because it is full. */
export function isOutOfMemory(error: unknown): error is CommandFailure {
  return error instanceof CommandFailure && error.message.startsWith('OOM');
}

/** A server that does not tell has no limit as far as this is concerned. */
async function shareOf(node: RedisConnection): Promise<number | undefined> {
  const memory = await node.ask('INFO', 'memory').then(String, () => '');
  const [used, most] = ['used_memory', 'maxmemory'].map((name) =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(memory)?.[1]),
  );
  return used !== undefined && most ? used / most : undefined;
}
