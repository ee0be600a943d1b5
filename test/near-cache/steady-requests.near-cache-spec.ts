import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent } from 'node:http';
import { RedisServer } from '../support/redis-server.js';
import { Device } from './device.js';
import { type NearCacheServer, NearCacheServers } from './near-cache-servers.js';
import { RedisCommands } from '../support/redis-commands.js';

const CLIENTS = 10;
const REQUESTS = 1_000;

describe('sticky requests with a near cache in mode bounded and default settings', () => {
  const all = new NearCacheServers();
  const agent = new Agent({ keepAlive: true });
  const clients = Array.from({ length: CLIENTS }, (_, i) => new Device(`c${i}`, agent));
  let redis: RedisServer;
  let server: NearCacheServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
    [server] = (await all.start(1, { STORE_URL: redis.url, NEAR_CACHE: 'bounded' })) as [NearCacheServer];
    await Promise.all(clients.map((client) => ask(client, 'POST', `start/${client.name}`)));
    // The second request of a client is the first one that proves its return, which is stored once.
    await Promise.all(clients.map((client) => ask(client, 'POST', `write/${client.name}`)));
  });
  afterAll(async () => {
    agent.destroy();
    await all.stop();
    await redis?.stop();
  });

  it.each([
    ['reads', 'GET', 0],
    ['reads and writes', 'POST', 1],
  ] as const)(
    `need one round trip per save, and another only after maxStalenessMs of silence, in ${REQUESTS} %s`,
    async (_what, method, saves) => {
      const commands = new RedisCommands(redis);
      const before = await counts(commands);
      await Promise.all(
        clients.map(async (client) => {
          const path = method === 'GET' ? 'read' : `write/${client.name}`;
          for (let i = 0; i < REQUESTS / CLIENTS; i++) await ask(client, method, path);
        }),
      );
      const after = await counts(commands);
      const cost = (name: keyof typeof before): number => after[name] - before[name];
      expect({ loads: cost('load'), saves: cost('save'), touches: cost('touch'), told: cost('told') }).toEqual({
        loads: cost('unheard'),
        saves: saves * REQUESTS,
        touches: 0,
        told: 0,
      });
      expect(cost('scripts')).toBe(cost('load') + cost('save'));
      expect(cost('served') + cost('unheard')).toBe(REQUESTS);
      expect(cost('served')).toBeGreaterThan(0);
    },
  );

  const ask = async (client: Device, method: 'GET' | 'POST', path: string): Promise<void> => {
    const { status, text } = await client.ask(method, `${server.url}/${path}`, 20_000);
    if (status >= 300) throw new Error(`${status} ${text}`);
  };

  async function counts(commands: RedisCommands) {
    const [calls, trust] = [await NearCacheServers.callsOf([server]), await NearCacheServers.trustOf(server)];
    return { ...calls, ...trust, scripts: await commands.ofSessions() };
  }
});
