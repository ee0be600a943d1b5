import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { RedisSessionStore } from 'nestjs-session-beans/redis';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { SampleCluster } from '../support/sample-servers.js';

const USERS = 10;
const CLIENTS = 60;
const ROUNDS = 10;

/** The key of a session, behind the prefix of the sample. */
const SESSION_KEY = /\{([A-Za-z0-9_-]{22})\}$/;

describe('users who log in and out while servers are killed', () => {
  let redis: RedisServer;
  let cluster: SampleCluster;
  let store: RedisSessionStore;
  let direct: Redis;
  let prefix = '';
  beforeAll(async () => {
    redis = await RedisServer.start();
    cluster = await SampleCluster.start(3, { SESSION_PATTERN: 'external', REDIS_URL: redis.url });
    direct = new Redis(redis.url);
  });
  afterAll(async () => {
    direct?.disconnect();
    await store?.close();
    await cluster?.stop();
    await redis?.stop();
  });

  it('have lists with exactly the sessions that there are', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const victim = cluster.nodes[round % 3] as (typeof cluster.nodes)[number];
      const run = { isOver: false, requests: 0, logins: 0 };
      const clients = Array.from({ length: CLIENTS }, async (_, i) => {
        while (!run.isOver) {
          const client = new Client();
          const { url } = cluster.nodes[(i + run.requests) % 3] as (typeof cluster.nodes)[number];
          run.requests++;
          // A server that was killed answers nothing.
          const login = await client.post(`${url}/login`, { user: `user ${i % USERS}` }).catch(() => undefined);
          if (login?.status === 201) run.logins++;
          if (run.requests % 3 === 0) await client.post(`${url}/logout`).catch(() => undefined);
        }
      });
      await eventually('users have logged in', () => run.logins > 2 * CLIENTS);
      await victim.kill();
      const { logins } = run;
      await eventually('users go on', () => run.logins > logins + CLIENTS);
      run.isOver = true;
      await Promise.all(clients);
      expect(await listed()).toEqual(await stored());
      await cluster.startNode(victim);
    }
  });

  /** The keys of all sessions of users, as Redis has them. */
  async function stored(): Promise<string[]> {
    const keys: string[] = [];
    for (const name of await direct.keys('*')) {
      const key = SESSION_KEY.exec(name)?.[1];
      if (key === undefined) continue;
      prefix = name.slice(0, -key.length - 2);
      if ((await direct.get(name))?.includes('\n+principal ')) keys.push(key);
    }
    return keys.toSorted();
  }

  async function listed(): Promise<string[]> {
    if (prefix === '') await stored();
    store ??= await readyRedisStore({ url: redis.url, prefix });
    const keys: string[] = [];
    for (let i = 0; i < USERS; i++) {
      let next: string | undefined;
      do {
        const page = await store.principals.list(`user ${i}`, { limit: 100, after: next, parts: [] });
        keys.push(...page.sessions.map(({ key }) => key));
        next = page.next;
      } while (next !== undefined);
    }
    return keys.toSorted();
  }
});
