import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { balancers } from '../support/balancers.js';
import { SampleCluster } from '../support/sample-servers.js';
import { allHaveTwoOwners } from './all-have-two-owners.js';
import { BalancedCluster } from './balanced-cluster.js';
import { Workload } from './workload.js';

const REQUESTS = 30_000;

describe.each(balancers)('SESSION_PATTERN=replicated behind $balancer', ({ start }) => {
  let servers: SampleCluster;
  let cluster: BalancedCluster;
  let workload: Workload | undefined;
  beforeAll(async () => {
    const env = {
      SESSION_PATTERN: 'replicated',
      REPLICATION_SECRET: 'only for this test, 32 bytes...',
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

  it(`F20 loses no session and no acknowledged update when each server is killed in ${REQUESTS} requests`, async () => {
    workload = new Workload(cluster, { counting: 50, shopping: 10 });
    await workload.start();
    while (workload.requests < REQUESTS) {
      for (const node of cluster.nodes) {
        await allHaveTwoOwners(cluster, workload.clients);
        await node.kill();
        await workload.sendsMore(1_000);
        await allHaveTwoOwners(cluster, workload.clients);
        await cluster.restore();
        await workload.sendsMore(1_000);
      }
    }
    const report = await workload.report();
    expect(report.problems).toEqual([]);
    // Clients may only see failures of connections that ended during a request.
    expect(['0', '502', '503']).toEqual(expect.arrayContaining(Object.keys(report.failures)));
  }, 300_000);
});
