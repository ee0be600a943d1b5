import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BalancedClient } from '../support/balanced-client.js';
import { eventually } from '../support/eventually.js';
import { Nginx } from '../support/nginx.js';
import { SampleCluster } from '../support/sample-servers.js';
import { BalancedCluster } from './balanced-cluster.js';
import { Load } from './load.js';

const ITEM = { sku: 'tea', quantity: 1, price: 350 };

describe('a server that is taken out of nginx before it stops', () => {
  let servers: SampleCluster;
  let cluster: BalancedCluster;
  let nginx: Nginx;
  let clients: BalancedClient[];
  beforeAll(async () => {
    servers = await SampleCluster.start(3, { SESSION_PATTERN: 'sticky', DRAIN_MS: '500' });
    nginx = await Nginx.start('sticky-route', servers.addresses);
    cluster = await BalancedCluster.inFrontOf(servers, async () => nginx);
    // No keep-alive: when nginx reads a new configuration, it may close an idle connection just when a client sends a
    // request.
    clients = Array.from({ length: 30 }, () => new BalancedClient(cluster.url, false));
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await nginx?.stop();
    await servers?.stop();
  });

  it('loses no request, not even one that nginx may not repeat', async () => {
    const statuses = new Set<number>();
    const load = new Load(clients, async (client) => {
      statuses.add((await client.post('/cart/items', ITEM)).status);
    });
    const lastServers = async (): Promise<(string | undefined)[]> =>
      (await nginx.passedOn()).slice(-60).map(({ server }) => server);
    await eventually('s2 gets requests', async () => (await lastServers()).includes('s2'));

    nginx.takeOut('s2');
    await eventually('s2 gets no requests', async () => !(await lastServers()).includes('s2'));
    await cluster.node('s2').terminate();
    await load.stop();

    expect([...statuses]).toEqual([201]);
  });
});
