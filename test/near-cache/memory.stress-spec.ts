import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent } from 'node:http';
import { RedisServer } from '../support/redis-server.js';
import { Device } from './device.js';
import { type NearCacheServer, NearCacheServers } from './near-cache-servers.js';

const MIB = 1024 * 1024;

/** Heap that a process takes over time without sessions: compiled code, pools. */
const NOISE = MIB;
const SENDERS = 8;

describe.each(['validate', 'bounded'] as const)(
  'near cache in mode %s with ten times more sessions than fit',
  (mode) => {
    const all = new NearCacheServers();
    const agent = new Agent({ keepAlive: true });
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await RedisServer.start();
    });
    afterAll(async () => {
      agent.destroy();
      await all.stop();
      await redis.stop();
    });

    const start = async (env: Readonly<Record<string, string>>): Promise<NearCacheServer> => {
      const settings = { STORE_URL: redis.url, NEAR_CACHE: mode, STORE_TIMEOUT_MS: '10000' };
      const [server] = (await all.start(1, { ...settings, ...env })) as [NearCacheServer];
      return server;
    };
    const ask = async (
      client: Device,
      { url }: NearCacheServer,
      method: 'GET' | 'POST',
      path: string,
    ): Promise<string> => {
      const { status, text } = await client.ask(method, `${url}/${path}`, 20_000);
      if (status >= 300) throw new Error(`${status} ${text}`);
      return text;
    };
    /** Starts sessions, each with one request, and reads each of them once. */
    const fill = async (server: NearCacheServer, count: number, path: string): Promise<Device[]> => {
      const clients = Array.from({ length: count }, (_, i) => new Device(`c${i}`, agent));
      await inParallel(clients, async (client) => {
        await ask(client, server, 'POST', path);
        await ask(client, server, 'GET', path.startsWith('ballast') ? 'ballast' : 'read');
      });
      return clients;
    };

    it('stays within maxSessions, takes no more heap than it counts, and loses no session', async () => {
      const most = 300;
      const server = await start({ MAX_SESSIONS: `${most}` });
      // Sessions that end make the process take the heap that it needs once: compiled code, pools, connections.
      const leavers = await fill(server, 5 * most, 'start/somebody');
      await inParallel(leavers, async (client) => void (await ask(client, server, 'POST', 'logout')));
      const before = await NearCacheServers.memoryOf(server);

      const clients = await fill(server, 10 * most, 'start/somebody');

      const { heap, sessions, bytes } = await NearCacheServers.memoryOf(server);
      expect(sessions).toBe(most);
      expect(heap - before.heap).toBeLessThan(bytes + NOISE);
      const names = new Set<string>();
      await inParallel(clients, async (client) => {
        names.add((JSON.parse(await ask(client, server, 'GET', 'read')) as { name: string }).name);
      });
      expect(names).toEqual(new Set(['somebody']));
    });

    it('stays within maxBytes, and so does the heap', async () => {
      const most = 8 * MIB;
      const server = await start({ MAX_BYTES: `${most}` });
      const count = Math.ceil((10 * most) / (20_000 * 6));
      await fill(server, 20, 'ballast/items/20000');
      const before = await NearCacheServers.memoryOf(server);

      const clients = await fill(server, count, 'ballast/items/20000');

      const { heap, bytes } = await NearCacheServers.memoryOf(server);
      expect(bytes).toBeLessThanOrEqual(most);
      expect(bytes).toBeGreaterThan(most / 2);
      expect(heap - before.heap).toBeLessThan(most + NOISE);
      const sizes = new Set<string>();
      await inParallel(clients, async (client) => void sizes.add(await ask(client, server, 'GET', 'ballast')));
      expect([...sizes].map((text) => JSON.parse(text))).toEqual([{ text: 0, items: 417, entries: 0 }]);
    });
  },
);

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}
