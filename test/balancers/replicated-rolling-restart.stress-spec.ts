import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { balancers } from '../support/balancers.js';
import { SampleCluster } from '../support/sample-servers.js';
import { allAreSafe } from './all-are-safe.js';
import { BalancedCluster } from './balanced-cluster.js';
import { Workload } from './workload.js';

describe.each(balancers)('SESSION_PATTERN=replicated behind $balancer, server after server', ({ balancer, start }) => {
  let servers: SampleCluster;
  let cluster: BalancedCluster;
  let workload: Workload | undefined;
  beforeAll(async () => {
    const env = {
      SESSION_PATTERN: 'replicated',
      REPLICATION_SECRET: 'only for this test, 32 bytes...',
      DRAIN_MS: '2500',
    };
    servers = await SampleCluster.start(3, env);
    cluster = await BalancedCluster.inFrontOf(servers, (addresses) => start('primary-backup', addresses));
  });
  afterAll(async () => {
    await cluster?.balancer.stop();
    await servers?.stop();
  });

  afterEach(async () => {
    await workload?.stop();
    workload?.close();
  });

  it('a graceful restart of every server under load: no client sees an error, and nothing is lost', async () => {
    // Of what nginx may not send twice it loses what arrives as the server closes: see nginx-take-out.
    workload = new Workload(cluster, { counting: 10, shopping: balancer === 'nginx' ? 0 : 3 });
    await workload.start();
    for (const node of cluster.nodes) {
      await allAreSafe(cluster, workload.clients);
      await node.terminate();
      await workload.goesOn(300);
      await cluster.restore();
      await workload.goesOn(300);
    }
    const { problems, failures } = await workload.report();
    expect({ problems, failures }).toEqual({ problems: [], failures: {} });
  }, 300_000);
});
