import { setTimeout as pause } from 'node:timers/promises';
import type { RedisServer } from '../support/redis-server.js';
import type { NearCacheServer } from './near-cache-servers.js';
import type { Direction } from '../support/tcp-proxy.js';
import type { LinkRole } from './redis-link.js';
import type { StressLoad } from './stress-load.js';

/** What goes wrong while clients work. Each leaves everything in order. */
export const faults = {
  /** Redis ends the connections of a name on all servers, again and again. */
  async killed(redis: RedisServer, name: RegExp): Promise<void> {
    for (let i = 0; i < 6; i++) {
      await pause(500);
      const clients = String(await redis.command('CLIENT', 'LIST')).split('\n');
      for (const client of clients.filter((line) => name.test(line))) {
        const [, id = ''] = /\bid=(\d+)/.exec(client) ?? [];
        await redis.command('CLIENT', 'KILL', 'ID', id);
      }
    }
  },

  /** Half of the servers lose what is sent in one direction, without being told; later it arrives after all. */
  async blackHole(servers: readonly NearCacheServer[], role: LinkRole, direction: Direction): Promise<void> {
    const struck = servers.slice(0, servers.length / 2);
    await pause(1_000);
    for (const { link } of struck) link?.blackHole(role, direction);
    await pause(2_500);
    for (const { link } of struck) link?.heal();
    await pause(1_000);
  },

  /** One server sleeps, and answers what it was asked meanwhile when it wakes up. */
  async paused(servers: readonly NearCacheServer[]): Promise<void> {
    const [server] = servers as [NearCacheServer];
    await pause(1_000);
    server.process.signal('SIGSTOP');
    await pause(3_000);
    server.process.signal('SIGCONT');
    await pause(1_000);
  },

  /** Redis crashes and comes back with what it had. */
  async restarted(redis: RedisServer): Promise<void> {
    await pause(1_000);
    await redis.kill();
    await pause(500);
    await redis.run();
    await pause(2_000);
  },

  /** Redis crashes and comes back with nothing. */
  async restartedEmpty(redis: RedisServer, load: StressLoad): Promise<void> {
    await pause(1_000);
    await load.wipe(async () => {
      await redis.kill();
      await redis.run();
    });
    await pause(2_000);
  },

  async flushed(redis: RedisServer, load: StressLoad): Promise<void> {
    for (let i = 0; i < 3; i++) {
      await pause(1_000);
      await load.wipe(() => redis.command('FLUSHALL'));
    }
    await pause(1_000);
  },
};
