import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent } from 'node:http';
import { RedisServer } from '../support/redis-server.js';
import { Device } from './device.js';
import { type NearCacheServer, NearCacheServers } from './near-cache-servers.js';

const MAX_STALENESS_MS = 1_000;
const ROUNDS = 20;

describe.each(['validate', 'bounded'] as const)('after a logout on one server, near cache in mode %s,', (mode) => {
  const all = new NearCacheServers();
  const agent = new Agent({ keepAlive: true });
  let redis: RedisServer;
  let servers: NearCacheServer[];
  beforeAll(async () => {
    redis = await RedisServer.start();
    const bound = { MAX_STALENESS_MS: `${MAX_STALENESS_MS}` };
    const env = { NEAR_CACHE: mode, STORE_URL: redis.url, ...(mode === 'bounded' && bound) };
    servers = await all.start(2, env, redis.port);
    // Invalidations arrive too late to matter.
    for (const { link } of servers) if (link) link.delayMs = (role) => (role === 'invalidations' ? 300 : 0);
  });
  afterAll(async () => {
    agent.destroy();
    await all.stop();
    await redis.stop();
  });
  const ask = async (device: Device, server: number, path: string, method: 'GET' | 'POST' = 'GET'): Promise<number> =>
    (await device.ask(method, `${servers[server]?.url}/${path}`, 10_000)).status;

  /** Both servers keep the session, which two devices use. One device logs out on the first server. */
  async function logOut(): Promise<{ leaver: Device; other: Device }> {
    const [leaver, other] = [new Device('leaver', agent), new Device('other', agent)];
    await ask(leaver, 0, 'start/session', 'POST');
    for (const server of [0, 1, 0, 1]) expect(await ask(leaver, server, 'read')).toBe(200);
    // Each server has heard of the other's touch by now. The next reads make both keep the session.
    await pause(400);
    for (const server of [0, 1, 0, 1]) expect(await ask(leaver, server, 'read')).toBe(200);
    other.cookies = leaver.cookies;
    expect(await ask(leaver, 0, 'logout', 'POST')).toBe(201);
    return { leaver, other };
  }

  it('the client that logged out is anonymous at once on every server', async () => {
    const sessions = await Promise.all(Array.from({ length: ROUNDS }, logOut));
    const after = await Promise.all(
      sessions.map(async ({ leaver }) => [await ask(leaver, 1, 'read'), await ask(leaver, 0, 'read')]),
    );
    expect(new Set(after.flat())).toEqual(new Set([401]));
  });

  it(`other clients are anonymous ${mode === 'validate' ? 'at once' : 'once the invalidation arrives'}`, async () => {
    const { other } = await logOut();
    const loggedOutAt = performance.now();
    expect(await ask(other, 0, 'read')).toBe(401);
    const atOnce = await ask(other, 1, 'read');
    expect(mode === 'validate' ? atOnce : 401).toBe(401);
    // The promise is a bound in time. It does not cover requests that were sent before the logout was answered.
    let lastServedAt = loggedOutAt;
    for (let sentAt = loggedOutAt; (await ask(other, 1, 'read')) !== 401; sentAt = performance.now()) {
      lastServedAt = sentAt;
      await pause(10);
    }
    expect(lastServedAt - loggedOutAt).toBeLessThanOrEqual(MAX_STALENESS_MS);
    expect(await ask(other, 1, 'read')).toBe(401);
  });
});
