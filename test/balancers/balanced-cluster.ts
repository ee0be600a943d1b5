import type { Balancer, ServerAddresses } from '../support/balancer.js';
import { BalancedClient } from '../support/balanced-client.js';
import { eventually } from '../support/eventually.js';
import type { ReplicationLinks } from '../support/replication-links.js';
import { PrometheusText } from '../support/prometheus-text.js';
import { SampleCluster, type SampleNode } from '../support/sample-servers.js';

/** Servers of the sample behind a balancer. The test stops both. */
export class BalancedCluster {
  private marks = 0;

  private constructor(
    private readonly cluster: SampleCluster,
    readonly balancer: Balancer,
  ) {}

  static of(cluster: SampleCluster, balancer: Balancer): BalancedCluster {
    return new BalancedCluster(cluster, balancer);
  }

  /** Starts a balancer, and waits until it sends requests to all servers that run. */
  static async inFrontOf(
    cluster: SampleCluster,
    startBalancer: (servers: ServerAddresses) => Promise<Balancer>,
  ): Promise<BalancedCluster> {
    const balanced = new BalancedCluster(cluster, await startBalancer(cluster.addresses));
    for (const node of cluster.nodes) if (node.isRunning) await balanced.getsRequests(node);
    return balanced;
  }

  get url(): string {
    return this.balancer.url;
  }

  get nodes(): readonly SampleNode[] {
    return this.cluster.nodes;
  }

  /** The network between the servers (see `SampleCluster`). */
  get links(): ReplicationLinks {
    const { links } = this.cluster;
    if (!links) throw new Error('the cluster was started without links');
    return links;
  }

  node(name: string): SampleNode {
    return this.cluster.node(name);
  }

  /** Starts the servers that have ended, and waits until the balancer sends requests to all of them. */
  async restore(): Promise<void> {
    for (const node of this.nodes) {
      node.thaw();
      if (!node.isRunning) await this.cluster.startNode(node);
    }
    for (const node of this.nodes) await this.getsRequests(node);
  }

  /** Waits until the group can lose one server: every server must have learned enough to consent to new owners. */
  async canLoseOne(): Promise<void> {
    for (const { name, url } of this.nodes)
      await eventually(`${name} consents to new owners`, async () => {
        const metrics = await PrometheusText.of(url);
        return metrics.value('session_store_figure', { session_store_figure: 'consents' }) === 1;
      });
  }

  /** How often the balancer has repeated requests of this path. */
  async retriesOf(path: string): Promise<number> {
    const passed = await this.balancer.passedOn();
    return passed.filter((request) => request.path === path).reduce((sum, { retries }) => sum + retries, 0);
  }

  /** The server that gets the requests of this client; undefined when no server is available. */
  async serverOf(client: BalancedClient): Promise<string | undefined> {
    const mark = `/ping?${++this.marks}`;
    await client.get(mark);
    const passed = await eventually('the log has the request', async () =>
      (await this.balancer.passedOn()).findLast(({ path }) => path === mark),
    );
    return passed.status === 200 ? passed.server : undefined;
  }

  /** Waits until clients without a session reach the server. */
  private async getsRequests({ name }: SampleNode): Promise<void> {
    const client = new BalancedClient(this.url);
    await eventually(`${name} gets requests`, async () => (await this.serverOf(client)) === name);
    client.close();
  }
}
