import { PostgresServer } from '../support/postgres-server.js';
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

/** The store that the four servers share. */
interface Store {
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Four servers on one store. Each reaches it through a slightly slow network, so that invalidations take some time. The
 * test stops it.
 */
export class StressSetup<S extends Store> {
  private constructor(
    private readonly all: NearCacheServers,
    readonly store: S,
    readonly servers: readonly NearCacheServer[],
    private readonly judge: NearCacheServer,
    private readonly maxStalenessMs: number,
  ) {}

  static async start(options: StressSetupOptions): Promise<StressSetup<RedisServer>> {
    return StressSetup.on(await RedisServer.start(...(options.redis ?? [])), options);
  }

  static async onPostgres(options: Omit<StressSetupOptions, 'redis'>): Promise<StressSetup<PostgresServer>> {
    return StressSetup.on(await PostgresServer.start(), options);
  }

  private static async on<S extends Store>(
    store: S,
    { mode, env = {}, maxStalenessMs = 200 }: StressSetupOptions,
  ): Promise<StressSetup<S>> {
    const all = new NearCacheServers();
    try {
      const settings = { STORE_URL: store.url, TOUCH_INTERVAL_MS: '3000', ...env };
      const bound = mode === 'bounded' && { MAX_STALENESS_MS: `${maxStalenessMs}` };
      const servers = await all.start(4, { ...settings, NEAR_CACHE: mode, ...bound }, store.port);
      const [judge] = (await all.start(1, { STORE_URL: store.url })) as [NearCacheServer];
      const setup = new StressSetup(all, store, servers, judge, mode === 'bounded' ? maxStalenessMs : 0);
      setup.slowDown({ invalidations: 60, data: 15 });
      return setup;
    } catch (error) {
      await Promise.all([all.stop(), store.stop()]);
      throw error;
    }
  }

  /** Delays all that the store sends by a random time up to these limits, in ms. */
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
    await this.store.stop();
  }
}
