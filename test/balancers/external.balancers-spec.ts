import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { triedBalancers } from '../support/balancers.js';
import { RedisServer } from '../support/redis-server.js';
import { SampleCluster } from '../support/sample-servers.js';
import { BalancedCluster } from './balanced-cluster.js';
import { CountingClient } from './counting-client.js';
import { Workload } from './workload.js';

let redis: RedisServer;
let servers: SampleCluster;
beforeAll(async () => {
  redis = await RedisServer.start();
  servers = await SampleCluster.start(3, { SESSION_PATTERN: 'external', REDIS_URL: redis.url });
});
afterAll(async () => {
  await servers?.stop();
  await redis.stop();
});

describe.each(triedBalancers)('SESSION_PATTERN=external behind $balancer, round robin,', ({ start }) => {
  let cluster: BalancedCluster;
  beforeAll(async () => {
    cluster = await BalancedCluster.inFrontOf(servers, (addresses) => start('round-robin', addresses));
  });
  afterAll(() => cluster?.balancer.stop());
  afterEach(() => cluster.restore());

  it('F27 lets any server serve any request', async () => {
    const client = new CountingClient(cluster.url);
    await client.countUp(30);
    expect([client.sent, client.lost]).toEqual([30, []]);
    const used = (await cluster.balancer.passedOn()).filter(({ path }) => path === '/count');
    expect(new Set(used.map(({ server }) => server))).toEqual(new Set(['s1', 's2', 's3']));
    client.close();
  });

  it('F19 F20 loses no acknowledged update when a server is killed under load', async () => {
    const workload = new Workload(cluster, { counting: 20, shopping: 5 });
    await workload.start();
    await workload.sendsMore(500);
    await cluster.node('s1').kill();
    await workload.sendsMore(1_000);
    const { problems, acknowledged } = await workload.report();
    expect(problems).toEqual([]);
    expect(acknowledged).toBeGreaterThan(1_000);
    workload.close();
  });
});
