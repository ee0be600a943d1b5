import { setTimeout as pause } from 'node:timers/promises';
import type { PostgresServer } from '../support/postgres-server.js';
import type { RedisServer } from '../support/redis-server.js';
import type { NearCacheServer } from './near-cache-servers.js';
import type { Direction } from '../support/tcp-proxy.js';
import type { LinkRole } from './store-link.js';
import type { StressLoad } from './stress-load.js';

/** Faults that happen while clients work. Each fault is over when its promise resolves. */
export const faults = {
  /** Redis repeatedly closes the connections of all servers whose `CLIENT LIST` line matches. */
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

  /** PostgreSQL repeatedly ends the connections of all servers whose last statement matches. */
  async terminated(postgres: PostgresServer, statement: RegExp): Promise<void> {
    for (let i = 0; i < 6; i++) {
      await pause(500);
      await postgres.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = 'nestjs-session-beans' AND query ~ $1`,
        [statement.source],
      );
    }
  },

  /**
   * For half of the servers, the network swallows all bytes in one direction without an error. Later they arrive after
   * all.
   */
  async blackHole(servers: readonly NearCacheServer[], role: LinkRole, direction: Direction): Promise<void> {
    const struck = servers.slice(0, servers.length / 2);
    await pause(1_000);
    for (const { link } of struck) link?.blackHole(role, direction);
    await pause(2_500);
    for (const { link } of struck) link?.heal();
    await pause(1_000);
  },

  /** One server is stopped, and answers the requests of that time when it continues. */
  async paused(servers: readonly NearCacheServer[]): Promise<void> {
    const [server] = servers as [NearCacheServer];
    await pause(1_000);
    server.process.signal('SIGSTOP');
    await pause(3_000);
    server.process.signal('SIGCONT');
    await pause(1_000);
  },

  /** The store crashes and restarts with its data. */
  async restarted(store: RedisServer | PostgresServer): Promise<void> {
    await pause(1_000);
    await store.kill();
    await pause(500);
    await store.run();
    await pause(2_000);
  },

  /** Redis crashes and restarts empty. */
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
