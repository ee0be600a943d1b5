import { eventually } from '../support/eventually.js';
import type { BalancedClient } from '../support/balanced-client.js';
import type { BalancedCluster } from './balanced-cluster.js';

/** Waits until every session has two running owners, by its cookie. Then any single server may stop. */
export async function allHaveTwoOwners(cluster: BalancedCluster, clients: readonly BalancedClient[]): Promise<void> {
  const running = new Set(cluster.nodes.filter((node) => node.isRunning).map(({ name }) => name));
  await eventually('all sessions have two running owners', () => {
    const unsafe = clients.filter(({ locator }) => !locator.slice(0, 2).every((name) => running.has(name)));
    if (unsafe.length === 0) return true;
    throw new Error(`${unsafe.length} have not, for example ${unsafe[0]?.locator.slice(0, 3).join('.')}`);
  });
}
