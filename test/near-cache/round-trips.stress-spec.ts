import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Agent } from 'node:http';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { Device } from './device.js';
import { type NearCacheServer, NearCacheServers } from './near-cache-servers.js';
import { RedisCommands } from '../support/redis-commands.js';

const READS = 10_000;
const WRITES = 5_000;
const CLIENTS = 10;

// A long staleness bound, so that a pause of a busy machine makes no copy too old. Beats are frequent, so that many
// writes coincide with one.
const patient = { MAX_STALENESS_MS: '10000', BEAT_MS: '10', TOUCH_INTERVAL_MS: '600000', STORE_TIMEOUT_MS: '10000' };

describe.each(['bounded', 'validate'] as const)('sticky requests with a near cache in mode %s', (mode) => {
  const all = new NearCacheServers();
  const agent = new Agent({ keepAlive: true });
  let redis: RedisServer;
  let server: NearCacheServer;
  let commands: RedisCommands;
  let clients: Device[];
  beforeAll(async () => {
    redis = await RedisServer.start();
    commands = new RedisCommands(redis);
    const { MAX_STALENESS_MS, ...settings } = patient;
    const env = {
      ...settings,
      ...(mode === 'bounded' && { MAX_STALENESS_MS }),
      STORE_URL: redis.url,
      NEAR_CACHE: mode,
    };
    [server] = (await all.start(1, env)) as [NearCacheServer];
  });
  afterAll(async () => {
    agent.destroy();
    await all.stop();
    await redis.stop();
  });
  beforeEach(async () => {
    clients = Array.from({ length: CLIENTS }, (_, i) => new Device(`c${i}`, agent));
    await each(async (client) => {
      await ask(client, 'POST', `start/${client.name}`);
      await ask(client, 'GET', 'read');
    });
    if (mode === 'bounded') await eventually('everything is served unasked', unasked);
  });
  const ask = async (client: Device, method: 'GET' | 'POST', path: string): Promise<void> => {
    const { status, text } = await client.ask(method, `${server.url}/${path}`, 20_000);
    if (status >= 300) throw new Error(`${status} ${text}`);
  };
  const each = async (work: (client: Device) => Promise<void>): Promise<void> => {
    await Promise.all(clients.map(work));
  };
  async function unasked(): Promise<boolean> {
    const before = await NearCacheServers.callsOf([server]);
    await each((client) => ask(client, 'GET', 'read'));
    return (await NearCacheServers.callsOf([server])).load === before.load;
  }

  const perRead = mode === 'bounded' ? 0 : 1;
  it(`need ${perRead} round trips to Redis per read, in ${READS} reads`, async () => {
    await commands.reset();
    await each(async (client) => {
      for (let i = 0; i < READS / CLIENTS; i++) await ask(client, 'GET', i % 2 ? 'read' : 'read-only');
    });
    expect(await commands.ofSessions()).toBe(READS * perRead);
    expect([...(await commands.onKeys()).keys()].filter((name) => !/^(get|getex|time)$/.test(name))).toEqual([]);
  });

  it(`need ${perRead + 1} round trips to Redis per read and write, in ${WRITES} of them`, async () => {
    await commands.reset();
    const before = await NearCacheServers.callsOf([server]);
    await each(async (client) => {
      for (let i = 0; i < WRITES / CLIENTS; i++) await ask(client, 'POST', `write/${client.name}`);
    });
    const { load, save } = await NearCacheServers.callsOf([server]);
    expect({ load: load - before.load, save: save - before.save }).toEqual({ load: WRITES * perRead, save: WRITES });
    expect(await commands.ofSessions()).toBe(WRITES * (perRead + 1));
    expect((await commands.beats()) > 0).toBe(mode === 'bounded');
  });

  it('move no payload while nothing changes', async () => {
    await each((client) => ask(client, 'POST', 'ballast/text/200000'));
    await each((client) => ask(client, 'GET', 'ballast'));
    const before = await commands.bytesSent();
    await each(async (client) => {
      for (let i = 0; i < 50; i++) await ask(client, 'GET', 'ballast');
    });
    expect((await commands.bytesSent()) - before).toBeLessThan(50 * CLIENTS * 400);
  });
});
