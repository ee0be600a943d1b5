import { eventually } from '../support/eventually.js';
import type { BalancedClient } from '../support/balanced-client.js';
import type { BalancedCluster } from './balanced-cluster.js';

/** Resolves when every session has two owners, by its cookie, and both are running: a server may go. */
export async function allAreSafe(cluster: BalancedCluster, clients: readonly BalancedClient[]): Promise<void> {
  const running = new Set(cluster.nodes.filter((node) => node.isRunning).map(({ name }) => name));
  await eventually('all sessions have two owners that run', () => {
    const unsafe = clients.filter(({ locator }) => !locator.slice(0, 2).every((name) => running.has(name)));
    if (unsafe.length === 0) return true;
    throw new Error(`${unsafe.length} have not, one of them ${unsafe[0]?.locator.slice(0, 3).join('.')}`);
  });
}
