import { RedisServer } from '../support/redis-server.js';
import { type NearCacheServer, NearCacheServers } from './near-cache-servers.js';
import { type StressResult, type StressScenario, runStress } from './run-stress.js';

export interface StressBedOptions {
  readonly mode: 'validate' | 'bounded';

  /** For redis-server. */
  readonly redis?: readonly string[];

  /** For the application servers. */
  readonly env?: Readonly<Record<string, string>>;

  /** What they are held to in mode `bounded`. Default: what is promised by default. */
  readonly maxStalenessMs?: number;
}

/**
 * Four servers on one Redis, each with a network of its own that is a little slow, so that news take their time. Stop
 * it.
 */
export class StressBed {
  private constructor(
    private readonly all: NearCacheServers,
    readonly redis: RedisServer,
    readonly servers: readonly NearCacheServer[],
    private readonly judge: NearCacheServer,
    private readonly maxStalenessMs: number,
  ) {}

  static async start({ mode, redis: args = [], env = {}, maxStalenessMs = 200 }: StressBedOptions): Promise<StressBed> {
    const redis = await RedisServer.start(...args);
    const all = new NearCacheServers();
    try {
      const settings = { TOUCH_INTERVAL_MS: '3000', ...env };
      const bound = mode === 'bounded' && { MAX_STALENESS_MS: `${maxStalenessMs}` };
      const servers = await all.start(4, { ...settings, NEAR_CACHE: mode, ...bound }, redis.port);
      const [judge] = (await all.start(1, { REDIS_URL: redis.url })) as [NearCacheServer];
      const bed = new StressBed(all, redis, servers, judge, mode === 'bounded' ? maxStalenessMs : 0);
      bed.slowDown({ invalidations: 60, data: 15 });
      return bed;
    } catch (error) {
      await Promise.all([all.stop(), redis.stop()]);
      throw error;
    }
  }

  /** What Redis says arrives later, by a random time up to this, in ms. */
  slowDown(most: Readonly<Record<'invalidations' | 'data', number>>): void {
    for (const { link } of this.servers) if (link) link.delayMs = (role) => Math.random() * most[role];
  }

  /** Lets clients work on them for `STRESS_MS`, which is 60 000 in the long runs. */
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
