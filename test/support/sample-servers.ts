import { join } from 'node:path';
import { freePort } from './free-port.js';
import { ServerProcess } from './server-process.js';
import type { ServerAddresses } from './balancer.js';
import { ReplicationLinks } from './replication-links.js';

/** As it was built: `npm run build` comes before. */
const MAIN = 'dist/main.js';

/** One server of the sample, which keeps its name and its port when it is started again. */
export class SampleNode {
  private server: ServerProcess | undefined;

  private constructor(
    /** `s1` */
    readonly name: string,
    readonly port: number,
    readonly replicationPort: number,
    private readonly main: string,

    /** Gets what it prints. Without one that is thrown away. */
    readonly logFile: string | undefined,
  ) {}

  static async create(name: string, main: string, logFile?: string): Promise<SampleNode> {
    return new SampleNode(name, await freePort(), await freePort(), main, logFile);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Past the balancer. */
  get url(): string {
    return `http://${this.address}`;
  }

  /** Of its process; 0 when it is not running. */
  get pid(): number {
    return this.isRunning ? (this.server?.pid ?? 0) : 0;
  }

  get isRunning(): boolean {
    return this.server?.isRunning === true;
  }

  /** Starts it (again). Resolves when it listens. */
  async start(env: Readonly<Record<string, string>>): Promise<void> {
    const own = { HOST: '127.0.0.1', PORT: `${this.port}`, NODE_NAME: this.name };
    this.server = await ServerProcess.start(this.main, { ...own, ...env }, { logFile: this.logFile });
  }

  /** Ends it as a crash does. Resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.server?.stop();
  }

  /** Tells it to stop, as an operator does. Resolves when the process is gone. */
  async terminate(): Promise<void> {
    this.server?.signal('SIGTERM');
    await this.server?.ended();
  }

  /** From now on it does nothing, and its connections stay. */
  freeze(): void {
    this.server?.signal('SIGSTOP');
  }

  thaw(): void {
    this.server?.signal('SIGCONT');
  }
}

export interface SampleClusterOptions {
  /** Whether the network between servers that replicate can be broken. */
  readonly hasLinks?: boolean;

  /** How many of the servers are started now. The others are known to them, and join when they are started. */
  readonly started?: number;

  /** The program of the servers, in place of the sample's own. */
  readonly main?: string;

  /** The folder of a log file per server, `s1.log`. Without one nothing is logged. */
  readonly logDirectory?: string | undefined;

  /** What a single server gets besides. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
}

/** Real processes of the sample, `s1` to `sN`, which know of each other what their pattern needs. Stop them. */
export class SampleCluster {
  private constructor(
    readonly nodes: readonly SampleNode[],
    private readonly envOf: (name: string) => Readonly<Record<string, string>>,

    /** The network between them, if it can be broken. */
    readonly links: ReplicationLinks | undefined,
  ) {}

  /** @param env what all of them get, e.g. SESSION_PATTERN */
  static async start(
    count: number,
    env: Readonly<Record<string, string>>,
    { hasLinks = false, started = count, main = MAIN, logDirectory, envOf = () => ({}) }: SampleClusterOptions = {},
  ): Promise<SampleCluster> {
    const names = Array.from({ length: count }, (_, i) => `s${i + 1}`);
    const nodes = await Promise.all(
      names.map((name) => SampleNode.create(name, main, logDirectory && join(logDirectory, `${name}.log`))),
    );
    const links = hasLinks ? await ReplicationLinks.between(nodes) : undefined;
    const cluster = new SampleCluster(nodes, (name) => ({ ...env, ...envOf(name) }), links);
    try {
      await Promise.all(cluster.nodes.slice(0, started).map((node) => cluster.startNode(node)));
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get addresses(): ServerAddresses {
    return Object.fromEntries(this.nodes.map(({ name, address }) => [name, address]));
  }

  node(name: string): SampleNode {
    const found = this.nodes.find((node) => node.name === name);
    if (!found) throw new Error(`there is no server ${name}`);
    return found;
  }

  /** Starts one that has ended, on its old ports. */
  async startNode(node: SampleNode): Promise<void> {
    const portOf = ({ name, replicationPort }: SampleNode): number =>
      name === node.name ? replicationPort : (this.links?.portOf(node.name, name) ?? replicationPort);
    const peers = this.nodes.map((peer) => `${peer.name}=127.0.0.1:${portOf(peer)}`).join(',');
    const replication = { REPLICATION_PORT: `${node.replicationPort}`, PEERS: peers };
    const env = this.envOf(node.name);
    await node.start(env['SESSION_PATTERN'] === 'replicated' ? { ...replication, ...env } : env);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.links?.close();
  }
}
