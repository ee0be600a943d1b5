import type { SampleNode } from './sample-servers.js';
import { TcpProxy } from './tcp-proxy.js';

/** The network between servers that replicate, a proxy for each direction of each pair. Close it. */
export class ReplicationLinks {
  private constructor(private readonly links: ReadonlyMap<string, TcpProxy>) {}

  static async between(nodes: readonly SampleNode[]): Promise<ReplicationLinks> {
    const links = new Map<string, TcpProxy>();
    for (const from of nodes)
      for (const to of nodes)
        if (from !== to) links.set(`${from.name} ${to.name}`, await TcpProxy.start(to.replicationPort));
    return new ReplicationLinks(links);
  }

  /** Where one server finds another. */
  portOf(from: string, to: string): number {
    const link = this.links.get(`${from} ${to}`);
    if (!link) throw new Error(`there is no link from ${from} to ${to}`);
    return link.port;
  }

  /** How many bytes the servers have sent to each other so far. */
  get bytesPassed(): number {
    return [...this.links.values()].reduce((sum, link) => sum + link.bytesPassed, 0);
  }

  /** Nothing gets to the server from the others, nor to them, and nobody is told. */
  isolate(name: string): void {
    for (const [pair, link] of this.links) if (pair.split(' ').includes(name)) link.isBlackHole = true;
  }

  /** As a network does: what was under way is lost, connections that were silent end when they are used. */
  heal(): void {
    for (const link of this.links.values()) {
      if (link.isBlackHole) link.cut();
      link.isBlackHole = false;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.links.values()].map((link) => link.close()));
  }
}
