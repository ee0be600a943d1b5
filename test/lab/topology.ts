import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BalancedCluster } from '../balancers/balanced-cluster.js';
import { balancers } from '../support/balancers.js';
import type { Balancer, BalancerOptions, ServerAddresses } from '../support/balancer.js';
import { RedisSentinels } from '../support/redis-sentinels.js';
import { RedisServer } from '../support/redis-server.js';
import { SampleCluster } from '../support/sample-servers.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import type { Pattern } from './patterns.js';

const SERVER = 'test/lab/server/start.mjs';

/** What `deploy/compose` gives Redis. */
const REDIS_SETTINGS = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction'];

export type BalancerName = 'haproxy' | 'nginx';

export interface TopologyOptions {
  /** How many servers there are, and how many of them run from the start; 3. */
  readonly servers?: number;
  readonly started?: number;

  /** Whether the network between the servers, or between each server and the store, can be cut and is counted. */
  readonly hasLinks?: boolean;

  /** Whether the store is a primary with a replica and sentinels. */
  readonly hasSentinels?: boolean;
  readonly balancer?: BalancerOptions;

  /** Whether servers and balancer log every request. */
  readonly logsRequests?: boolean;
}

/** A process that is measured. */
export interface MeasuredProcess {
  readonly name: string;
  readonly pid: number;

  /** Where clients of it connect, for servers. */
  readonly port?: number;
}

/** The servers of a pattern, with their store, behind a balancer. Stop it. */
export class Topology {
  private constructor(
    readonly pattern: Pattern,
    readonly cluster: BalancedCluster,
    private readonly servers: SampleCluster,
    readonly redis: RedisServer | undefined,
    readonly sentinels: RedisSentinels | undefined,

    /** The network between each server and the store. */
    readonly storeLinks: ReadonlyMap<string, TcpProxy>,

    /** Where the servers log their requests. */
    readonly logDirectory: string | undefined,
  ) {}

  static async start(pattern: Pattern, balancer: BalancerName, options: TopologyOptions = {}): Promise<Topology> {
    const { servers: count = 3, started = count, hasLinks = false, hasSentinels = false } = options;
    const stops: (() => Promise<void>)[] = [];
    const logDirectory = options.logsRequests ? mkdtempSync(join(tmpdir(), 'session-beans-lab-')) : undefined;
    stops.push(async () => removed(logDirectory));
    try {
      const sentinels =
        pattern.hasStore && hasSentinels ? await RedisSentinels.start({ replicas: 1, sentinels: 3 }) : undefined;
      if (sentinels) stops.push(() => sentinels.stop());
      const redis = pattern.hasStore && !sentinels ? await RedisServer.start(...REDIS_SETTINGS) : undefined;
      if (redis) stops.push(() => redis.stop());
      const links = new Map<string, TcpProxy>();
      if (redis && hasLinks) for (let i = 1; i <= count; i++) links.set(`s${i}`, await TcpProxy.start(redis.port));
      stops.push(() => closeAll(links));
      const url = sentinels?.url ?? redis?.url;
      const env = {
        ...pattern.env,
        ...(url !== undefined && { REDIS_URL: url }),
        ...(logDirectory !== undefined && { SLOW_REQUEST_MS: '0' }),
      };
      const servers = await SampleCluster.start(count, env, {
        hasLinks: hasLinks && pattern.name === 'replicated',
        started,
        main: SERVER,
        logDirectory,
        envOf: (name): Readonly<Record<string, string>> => {
          const link = links.get(name);
          return link ? { REDIS_URL: `redis://127.0.0.1:${link.port}` } : {};
        },
      });
      stops.push(() => servers.stop());
      const startBalancer = (addresses: ServerAddresses): Promise<Balancer> =>
        starterOf(balancer)(pattern.balancing, addresses, {
          ...options.balancer,
          logsSessions: options.logsRequests === true,
        });
      // With a log of its own format, the balancer does not tell which server got a request.
      const cluster = options.logsRequests
        ? BalancedCluster.of(servers, await startBalancer(servers.addresses))
        : await BalancedCluster.inFrontOf(servers, startBalancer);
      stops.push(() => cluster.balancer.stop());
      if (pattern.name === 'replicated' && started === count) await cluster.canLoseOne();
      return new Topology(pattern, cluster, servers, redis, sentinels, links, logDirectory);
    } catch (error) {
      for (const stop of stops.toReversed()) await stop();
      throw error;
    }
  }

  get url(): string {
    return this.cluster.url;
  }

  get processes(): readonly MeasuredProcess[] {
    const running = this.cluster.nodes.filter((node) => node.isRunning);
    return [
      ...running.map(({ name, pid, port }) => ({ name, pid, port })),
      ...(this.redis ? [{ name: 'store', pid: this.redis.pid }] : []),
      { name: 'balancer', pid: this.cluster.balancer.pid },
      { name: 'clients', pid: process.pid },
    ];
  }

  /** The bytes between the servers, or between them and the store, so far. Without links there are none. */
  get bytesPassed(): number {
    const toStore = [...this.storeLinks.values()].reduce((sum, link) => sum + link.bytesPassed, 0);
    return toStore + (this.servers.links?.bytesPassed ?? 0);
  }

  /** Nothing passes any more between a server and the others, or the store; nobody is told. */
  isolate(name: string): void {
    this.servers.links?.isolate(name);
    const link = this.storeLinks.get(name);
    if (link) link.isBlackHole = true;
  }

  heal(): void {
    this.servers.links?.heal();
    for (const link of this.storeLinks.values()) {
      if (link.isBlackHole) link.cut();
      link.isBlackHole = false;
    }
  }

  async stop(): Promise<void> {
    await this.cluster.balancer.stop();
    await this.servers.stop();
    await closeAll(this.storeLinks);
    await Promise.all([this.redis?.stop(), this.sentinels?.stop()]);
    removed(this.logDirectory);
  }
}

function starterOf(name: BalancerName): (typeof balancers)[number]['start'] {
  const found = balancers.find(({ balancer }) => balancer.toLowerCase() === name);
  if (!found) throw new Error(`--balancer ${name}: there are haproxy and nginx`);
  return found.start;
}

function removed(directory: string | undefined): void {
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
}

async function closeAll(links: ReadonlyMap<string, TcpProxy>): Promise<void> {
  await Promise.all([...links.values()].map((link) => link.close()));
}
