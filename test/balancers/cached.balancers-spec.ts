import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { triedBalancers } from '../support/balancers.js';
import { RedisServer } from '../support/redis-server.js';
import { SampleCluster } from '../support/sample-servers.js';
import { BalancedCluster } from './balanced-cluster.js';
import { CountingClient } from './counting-client.js';
import { Workload } from './workload.js';

describe.each(['validate', 'bounded'])('SESSION_PATTERN=cached, NEAR_CACHE=%s,', (mode) => {
  let redis: RedisServer;
  let servers: SampleCluster;
  beforeAll(async () => {
    redis = await RedisServer.start();
    servers = await SampleCluster.start(3, { SESSION_PATTERN: 'cached', NEAR_CACHE: mode, REDIS_URL: redis.url });
  });
  afterAll(async () => {
    await servers?.stop();
    await redis.stop();
  });

  describe.each(triedBalancers)('behind $balancer', ({ start }) => {
    let cluster: BalancedCluster;
    beforeAll(async () => {
      cluster = await BalancedCluster.inFrontOf(servers, (addresses) => start('sticky-route', addresses));
    });
    afterAll(() => cluster?.balancer.stop());
    afterEach(() => cluster.restore());

    it('F19 keeps a client on its server, and continues its session on another one when that dies', async () => {
      const clients = Array.from({ length: 18 }, () => new CountingClient(cluster.url));
      await Promise.all(clients.map((client) => client.countUp(5)));
      const homes = clients.map(({ locator: [route] }) => route);
      expect(new Set(homes)).toEqual(new Set(['s1', 's2', 's3']));
      await Promise.all(clients.map((client) => client.countUp(5)));
      expect(clients.map(({ locator: [route] }) => route)).toEqual(homes);

      await cluster.node('s1').kill();
      for (const client of clients) {
        expect(await client.number('/count/peek')).toBe(10);
        await client.countUp(3);
        expect([client.lost, client.failures]).toEqual([[], []]);
        expect(['s2', 's3']).toContain(client.locator[0]);
        expect(await client.number('/count/peek')).toBe(13);
      }
      for (const client of clients) client.close();
    });

    it('loses no acknowledged update when a server is killed under load and comes back', async () => {
      const workload = new Workload(cluster, { counting: 15, shopping: 3 });
      await workload.start();
      await workload.sendsMore(300);
      await cluster.node('s1').kill();
      await workload.sendsMore(300);
      await cluster.restore();
      await workload.sendsMore(300);
      const { problems, acknowledged } = await workload.report();
      expect(problems).toEqual([]);
      expect(acknowledged).toBeGreaterThan(700);
      workload.close();
    });
  });
});
