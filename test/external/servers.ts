import type { Client } from '../support/client.js';
import { ServerProcess } from '../support/server-process.js';
import { RedisServer } from '../support/redis-server.js';
import { FixtureBuild } from './fixture-build.js';

/** Application servers, each in its own process, in front of one Redis. The test stops them. */
export class Servers {
  private constructor(
    readonly redis: RedisServer,
    private readonly build: FixtureBuild,
    private readonly processes: ServerProcess[],
  ) {}

  static async start(count: number, env: Readonly<Record<string, string>> = {}): Promise<Servers> {
    const servers = new Servers(await RedisServer.start(), new FixtureBuild(), []);
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
    const settings = { REDIS_URL: this.redis.url, ...env };
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

  async stop(): Promise<void> {
    await Promise.all([...this.processes.map((server) => server.stop()), this.redis.stop()]);
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
