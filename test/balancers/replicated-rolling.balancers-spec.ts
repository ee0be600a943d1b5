import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { balancers } from '../support/balancers.js';
import { eventually } from '../support/eventually.js';
import { BalancedCluster } from './balanced-cluster.js';
import { Workload } from './workload.js';

const REQUESTS = 30_000;

describe.each(balancers)('SESSION_PATTERN=replicated behind $balancer, server after server', ({ balancer, start }) => {
  let cluster: BalancedCluster;
  beforeAll(async () => {
    const env = {
      SESSION_PATTERN: 'replicated',
      REPLICATION_SECRET: 'only for this test, 32 bytes...',
      DRAIN_MS: '2500',
    };
    cluster = await BalancedCluster.start(env, (servers) => start('primary-backup', servers));
  });
  afterAll(() => cluster?.stop());

  /** Resolves when every session has two owners, and both are running: the next server may go. */
  async function allAreSafe(workload: Workload): Promise<void> {
    const running = (name: string | undefined): boolean =>
      cluster.nodes.some((node) => node.name === name && node.isRunning);
    await eventually('all sessions have two owners that run', () =>
      workload.clients.every(({ locator: [primary, backup] }) => running(primary) && running(backup)),
    );
  }

  it(`rolling kill -9 of every server under 60 sessions and ${REQUESTS} requests: no session and no acknowledged update is lost`, async () => {
    const workload = new Workload(cluster, { counting: 50, shopping: 10 });
    await workload.start();
    while (workload.requests < REQUESTS) {
      for (const node of cluster.nodes) {
        await workload.goesOn(1_000);
        await allAreSafe(workload);
        await node.kill();
        await workload.goesOn(1_000);
        await allAreSafe(workload);
        await cluster.restore();
      }
    }
    const report = await workload.finish();
    workload.close();
    expect(report.problems).toEqual([]);
    // What a client saw of it: connections that died under a request.
    expect(['0', '502', '503']).toEqual(expect.arrayContaining(Object.keys(report.failures)));
  }, 120_000);

  it('a graceful rolling restart under load: no client sees an error, and nothing is lost', async () => {
    // Of what nginx may not send twice it loses what arrives as the server closes: see nginx-take-out.
    const workload = new Workload(cluster, { counting: 20, shopping: balancer === 'nginx' ? 0 : 5 });
    await workload.start();
    for (const node of cluster.nodes) {
      await allAreSafe(workload);
      await node.terminate();
      await workload.goesOn(300);
      await cluster.restore();
      await workload.goesOn(300);
    }
    const report = await workload.finish();
    workload.close();
    expect(report).toMatchObject({ problems: [], failures: {} });
  }, 120_000);
});
