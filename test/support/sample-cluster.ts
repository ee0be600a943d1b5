import type { ServerAddresses } from './balancer.js';
import { ReplicationLinks } from './replication-links.js';
import { SampleNode } from './sample-node.js';

/** Real processes of the sample, `s1` to `sN`, which know of each other what their pattern needs. Stop them. */
export class SampleCluster {
  private constructor(
    readonly nodes: readonly SampleNode[],
    private readonly env: Readonly<Record<string, string>>,

    /** The network between them, if it can be broken. */
    readonly links: ReplicationLinks | undefined,
  ) {}

  /**
   * @param env what all of them get, e.g. SESSION_PATTERN
   * @param hasLinks whether the network between servers that replicate can be broken
   */
  static async start(count: number, env: Readonly<Record<string, string>>, hasLinks = false): Promise<SampleCluster> {
    const names = Array.from({ length: count }, (_, i) => `s${i + 1}`);
    const nodes = await Promise.all(names.map((name) => SampleNode.create(name)));
    const cluster = new SampleCluster(nodes, env, hasLinks ? await ReplicationLinks.between(nodes) : undefined);
    try {
      await Promise.all(cluster.nodes.map((node) => cluster.startNode(node)));
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
    await node.start(this.env['SESSION_PATTERN'] === 'replicated' ? { ...replication, ...this.env } : this.env);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.links?.close();
  }
}
