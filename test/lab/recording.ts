import type { BalancedCluster } from '../balancers/balanced-cluster.js';
import { BalancedClient } from '../support/balanced-client.js';
import type { RequestSample, Sample } from './samples.js';
import type { Topology } from './topology.js';
import { connectionsOf, cpuTimeOf, memoryOf } from './process-figures.js';

/** How often processes are looked at, in ms. */
const EVERY_MS = 250;

/** What is measured in one cell, in the order in which it happened. */
export class Recording {
  private readonly began = performance.now();
  private readonly taken: Sample[] = [];

  /** Where the request of each mark is. */
  private readonly marked = new Map<string, number>();
  private marks = 0;

  get samples(): readonly Sample[] {
    return this.taken;
  }

  /** ms since the cell began. */
  get now(): number {
    return rounded(performance.now() - this.began);
  }

  add(sample: Sample): void {
    this.taken.push(sample);
  }

  /** Notes what the lab does now. */
  event(text: string, isFault = false): void {
    this.add({ kind: 'event', t: this.now, text, ...(isFault && { isFault }) });
  }

  figure(name: string, value: number, more: { of?: string; total?: number; text?: string } = {}): void {
    this.add({ kind: 'figure', name, value, ...more });
  }

  /** A part of an address by which the balancer's log names a request. */
  nextMark(): string {
    return `m=${++this.marks}`;
  }

  /** Looks at all processes from time to time, until the returned function is called. */
  watch(topology: Topology): () => void {
    const look = (): void => {
      const t = this.now;
      const connections = connectionsOf(topology.processes.flatMap(({ port }) => port ?? []));
      for (const { name, pid, port } of topology.processes) {
        const own = port === undefined ? {} : { connections: connections.get(port) ?? 0 };
        const cpuUs = cpuTimeOf(pid);
        if (cpuUs > 0) this.add({ kind: 'process', t, name, cpuUs, rss: memoryOf(pid), ...own });
      }
    };
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => {
      clearInterval(timer);
      look();
    };
  }

  /** Adds a request that was sent with a mark. */
  addRequest(mark: string, sample: RequestSample): void {
    this.marked.set(mark, this.taken.length);
    this.add(sample);
  }

  /** Adds the servers to the requests, by the balancer's log. */
  async nameServers(cluster: BalancedCluster): Promise<void> {
    if (this.marked.size === 0) return;
    const last = new BalancedClient(cluster.url);
    // When the log has this request, it has all before.
    await cluster.serverOf(last);
    last.close();
    for (const { path, server } of await cluster.balancer.passedOn()) {
      const index = this.marked.get(/[?&](m=\d+)/.exec(path)?.[1] ?? '');
      const sample = index === undefined ? undefined : this.taken[index];
      if (index !== undefined && sample?.kind === 'request' && server !== undefined)
        this.taken[index] = { ...sample, server };
    }
  }
}

/** Two digits are enough for ms, and keep files small. */
export function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
