import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { triedBalancers } from '../support/balancers.js';
import { eventually } from '../support/eventually.js';
import { SampleCluster } from '../support/sample-servers.js';
import { BalancedCluster } from './balanced-cluster.js';
import { CountingClient } from './counting-client.js';

describe.each(['on', 'off'])('servers in a partitioned network, quorum %s,', (quorum) => {
  let servers: SampleCluster;
  beforeAll(async () => {
    const env = {
      SESSION_PATTERN: 'replicated',
      REPLICATION_SECRET: 'only for this test, 32 bytes...',
      REPLICATION_QUORUM: quorum,
    };
    servers = await SampleCluster.start(3, env, { hasLinks: true });
  });
  afterAll(() => servers?.stop());

  describe.each(triedBalancers)('behind $balancer', ({ start }) => {
    let cluster: BalancedCluster;
    let clients: CountingClient[] = [];
    beforeAll(async () => {
      cluster = await BalancedCluster.inFrontOf(servers, (addresses) => start('primary-backup', addresses));
      await cluster.canLoseOne();
    });
    afterAll(() => cluster?.balancer.stop());
    afterEach(() => {
      for (const client of clients) client.close();
      clients = [];
    });

    /** Clients that have counted at least five times at their primaries, and whose sessions no longer move. */
    async function startClients(count: number): Promise<CountingClient[]> {
      const started = Array.from({ length: count }, () => new CountingClient(cluster.url));
      clients.push(...started);
      await Promise.all(started.map((client) => client.countUp(5)));
      await eventually('all have a backup, and no session moves any more', async () => {
        const before = started.map(({ locator }) => locator.slice(0, 3).join());
        await Promise.all(started.map((client) => client.count()));
        return started.every(({ locator }, i) => locator[1] !== '-' && locator.slice(0, 3).join() === before[i]);
      });
      return started;
    }

    /** The same session in a second browser window, which sends its requests to one server without the balancer. */
    function windowAt(server: string, client: CountingClient): CountingClient {
      const other = new CountingClient(cluster.node(server).url);
      for (const [name, value] of client.cookies) other.cookies.set(name, value);
      other.told = client.told;
      clients.push(other);
      return other;
    }

    const idOf = ({ cookies }: CountingClient): string | undefined => cookies.get('sid')?.split('.')[0];

    it('F23 show no client an older state, and lose nothing without a report', async () => {
      const started = await startClients(30);
      const [server = ''] = started[0]?.locator ?? [];
      const cutOff = started.filter(({ locator }) => locator[0] === server);
      const others = started.filter(({ locator }) => locator[0] !== server);
      const ids = cutOff.map(idOf);
      const before = cutOff.map(({ acknowledged }) => acknowledged);
      const windows = cutOff.map((client) => windowAt(client.locator[1] ?? '', client));

      cluster.links.isolate(server);
      // The other sessions go on as soon as their servers have found each other.
      for (const client of others) await client.countUp(2);
      // The windows go on, too: their servers are the other owners, on the side of the majority.
      for (const window of windows) await window.countUp(2);
      // With a quorum the minority refuses requests. Without one it goes on by itself.
      await Promise.all(cutOff.map((client) => (quorum === 'on' ? client.count() : client.countUp(1))));
      expect([503]).toEqual(expect.arrayContaining([...new Set(cutOff.flatMap(({ failures }) => failures))]));
      const goneOn = cutOff.filter(({ acknowledged }, i) => acknowledged > (before[i] ?? 0));
      expect(goneOn).toHaveLength(quorum === 'on' ? 0 : cutOff.length);
      cluster.links.heal();
      await cluster.restore();

      expect(others.flatMap(({ lost }) => lost)).toEqual([]);
      for (const [i, client] of cutOff.entries()) {
        const window = windows[i] as CountingClient;
        for (const one of [client, window]) await one.countUp(1);
        // At most one of the two was told by a new id that its session is lost.
        const kept = [client, window].filter((one) => idOf(one) === ids[i]);
        expect(kept.flatMap(({ lost }) => lost)).toEqual([]);
        expect(kept.length).toBeGreaterThanOrEqual(quorum === 'on' ? 2 : 1);
      }
    });
  });
});
