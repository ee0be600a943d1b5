import type { Client } from '../support/client.js';
import { ServerProcess } from '../support/server-process.js';
import { PostgresServer } from '../support/postgres-server.js';
import { RedisServer } from '../support/redis-server.js';
import { FixtureBuild } from './fixture-build.js';

/** The stores that servers can share. */
export type SharedStore = 'Redis' | 'PostgreSQL';

/** Application servers, each in its own process, in front of one store. The test stops them. */
export class Servers {
  private constructor(
    private readonly store: RedisServer | PostgresServer,
    private readonly build: FixtureBuild,
    private readonly processes: ServerProcess[],
  ) {}

  static async start(
    count: number,
    env: Readonly<Record<string, string>> = {},
    kind: SharedStore = 'Redis',
  ): Promise<Servers> {
    const store = kind === 'Redis' ? await RedisServer.start() : await PostgresServer.start();
    const servers = new Servers(store, new FixtureBuild(), []);
    try {
      await servers.add(count, env);
      return servers;
    } catch (error) {
      await servers.stop();
      throw error;
    }
  }

  /** Starts more servers, with other settings. */
  async add(count: number, env: Readonly<Record<string, string>> = {}): Promise<string[]> {
    const { url: place } = this.store;
    const isRedis = this.store instanceof RedisServer;
    const settings = { ...(isRedis ? { REDIS_URL: place } : { STORE: 'postgres', STORE_PLACE: place }), ...env };
    const starting = Array.from({ length: count }, () => ServerProcess.start(this.build.main, settings));
    const started = await Promise.allSettled(starting);
    const running = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    this.processes.push(...running);
    const failed = started.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return running.map(({ url }) => url);
  }

  get urls(): readonly string[] {
    return this.processes.map(({ url }) => url);
  }

  /** Whether the store has a session with this key that is not over. */
  async lives(key: string): Promise<boolean> {
    if (this.store instanceof RedisServer) {
      return ((await this.store.command('KEYS', `*${key}*`)) as unknown[]).length > 0;
    }
    // Those that have expired are deleted later.
    const living = 'SELECT FROM session_beans WHERE key = $1 AND expires_at > extract(epoch FROM now()) * 1000';
    return (await this.store.query(living, [key])).length > 0;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.processes.map((server) => server.stop()), this.store.stop()]);
    this.build.remove();
  }
}

/** The session of a client as a server answers it. */
export async function stateFor(
  client: Client,
  server: string,
): Promise<{ exists: boolean; counter: number; strict: number; name: string; mail: string }> {
  return (await client.get(`${server}/state`)).body as never;
}
