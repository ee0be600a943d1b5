import { RedisServer } from '../support/redis-server.js';
import { type NearCacheServer, NearCacheServers } from './near-cache-servers.js';
import { type StressResult, type StressScenario, runStress } from './run-stress.js';

export interface StressSetupOptions {
  readonly mode: 'validate' | 'bounded';

  /** Arguments of redis-server. */
  readonly redis?: readonly string[];

  /** Environment of the application servers. */
  readonly env?: Readonly<Record<string, string>>;

  /** The staleness bound in mode `bounded`. Default: the default of the library. */
  readonly maxStalenessMs?: number;
}

/**
 * Four servers on one Redis. Each reaches it through a slightly slow network, so that invalidations take some time. The
 * test stops it.
 */
export class StressSetup {
  private constructor(
    private readonly all: NearCacheServers,
    readonly redis: RedisServer,
    readonly servers: readonly NearCacheServer[],
    private readonly judge: NearCacheServer,
    private readonly maxStalenessMs: number,
  ) {}

  static async start({
    mode,
    redis: args = [],
    env = {},
    maxStalenessMs = 200,
  }: StressSetupOptions): Promise<StressSetup> {
    const redis = await RedisServer.start(...args);
    const all = new NearCacheServers();
    try {
      const settings = { TOUCH_INTERVAL_MS: '3000', ...env };
      const bound = mode === 'bounded' && { MAX_STALENESS_MS: `${maxStalenessMs}` };
      const servers = await all.start(4, { ...settings, NEAR_CACHE: mode, ...bound }, redis.port);
      const [judge] = (await all.start(1, { REDIS_URL: redis.url })) as [NearCacheServer];
      const setup = new StressSetup(all, redis, servers, judge, mode === 'bounded' ? maxStalenessMs : 0);
      setup.slowDown({ invalidations: 60, data: 15 });
      return setup;
    } catch (error) {
      await Promise.all([all.stop(), redis.stop()]);
      throw error;
    }
  }

  /** Delays all that Redis sends by a random time up to these limits, in ms. */
  slowDown(most: Readonly<Record<'invalidations' | 'data', number>>): void {
    for (const { link } of this.servers) if (link) link.delayMs = (role) => Math.random() * most[role];
  }

  /** Lets clients work on the servers for `STRESS_MS`, which is 60 000 in the long runs. */
  run(
    meanwhile: StressScenario['meanwhile'] = async () => undefined,
    options: Partial<StressScenario> = {},
  ): Promise<StressResult> {
    const { servers, judge, maxStalenessMs } = this;
    const durationMs = Number(process.env['STRESS_MS'] ?? 5_000);
    return runStress({ servers, judge, maxStalenessMs, durationMs, meanwhile, ...options });
  }

  async stop(): Promise<void> {
    await this.all.stop();
    await this.redis.stop();
  }
}
