import { join } from 'node:path';
import { ServerProcess } from '../support/server-process.js';
import { FixtureBuild } from '../external/fixture-build.js';
import { StoreLink } from './store-link.js';

/** How often a server has called its store since it started. */
export type StoreCallCounts = Readonly<Record<'load' | 'save' | 'touch' | 'destroy', number>>;

/** How often a server has served copies without asking the store since it started, and why it did not. */
export type TrustCounts = Readonly<Record<'served' | 'told' | 'unheard', number>>;

export interface ServerMemory {
  /** Used heap after garbage collection, in bytes. */
  readonly heap: number;

  /** The sessions that the near cache keeps, and the bytes that it counts for them. */
  readonly sessions: number;
  readonly bytes: number;
}

export interface NearCacheServer {
  readonly process: ServerProcess;
  readonly url: string;

  /** The network between this server and its store, if the test asked for one. */
  readonly link?: StoreLink;
}

/** Application servers of the fixture, each in a process of its own. The test stops them. */
export class NearCacheServers {
  private readonly build = new FixtureBuild(join(import.meta.dirname, 'fixture'));
  private readonly servers: NearCacheServer[] = [];

  /**
   * Starts `count` servers, named s1, s2, ...
   * @param linkTo port of the store. Each server reaches it through its own `StoreLink`. Without it they use
   *   `env.STORE_URL`
   */
  async start(count: number, env: Readonly<Record<string, string>>, linkTo?: number): Promise<NearCacheServer[]> {
    const starting = Array.from({ length: count }, async (_, i) => this.startOne(`s${i + 1}`, env, linkTo));
    const started = await Promise.allSettled(starting);
    const failed = started.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }

  /** Stops some of the servers. */
  async end(servers: readonly NearCacheServer[]): Promise<void> {
    await Promise.all(servers.map(({ process }) => process.stop()));
    for (const { link } of servers) await link?.close();
    for (const server of servers) this.servers.splice(this.servers.indexOf(server), 1);
  }

  async stop(): Promise<void> {
    await this.end([...this.servers]);
    this.build.remove();
  }

  static async callsOf(servers: readonly NearCacheServer[]): Promise<StoreCallCounts> {
    const sum = { load: 0, save: 0, touch: 0, destroy: 0 };
    for (const { url } of servers) {
      const counts = (await (await fetch(`${url}/process/calls`)).json()) as StoreCallCounts;
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counts[name];
    }
    return sum;
  }

  static async trustOf({ url }: NearCacheServer): Promise<TrustCounts> {
    return (await (await fetch(`${url}/process/trust`)).json()) as TrustCounts;
  }

  static async memoryOf({ url }: NearCacheServer): Promise<ServerMemory> {
    return (await (await fetch(`${url}/process/memory`)).json()) as ServerMemory;
  }

  private async startOne(
    name: string,
    env: Readonly<Record<string, string>>,
    linkTo?: number,
  ): Promise<NearCacheServer> {
    const link = linkTo === undefined ? undefined : await StoreLink.start(linkTo);
    const process = await ServerProcess.start(this.build.main, {
      NODE_NAME: name,
      ...env,
      ...(link && { STORE_URL: link.urlOf(env['STORE_URL'] ?? 'redis://127.0.0.1') }),
    });
    const server = { process, url: process.url, ...(link && { link }) };
    this.servers.push(server);
    return server;
  }
}
