import { Agent, request } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Post } from '@nestjs/common';
import { HttpSession, MemorySessionStore, SessionScoped, type SessionModuleOptions } from 'nestjs-session-beans';
import type { SessionStore } from 'nestjs-session-beans/store-kit';
import { Client } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RedisServer } from '../support/redis-server.js';
import { readyRedisStore } from '../support/redis-stores.js';

@SessionScoped({ name: 'counter' })
class Counter {
  value = 0;
}

@Controller()
class CountController {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  @Post('count')
  count(): string {
    return `${this.session.principal ?? 'nobody'} ${++this.counter.value}`;
  }

  @Post('login')
  login(): Promise<void> {
    return this.session.login('somebody');
  }

  @Post('renew')
  renew(): void {
    this.session.renewId();
  }
}

const REQUESTS = 100_000;
const CONNECTIONS = 32;
const USERS = 20;

/** Requests of the flood between two rounds of the users. */
const BETWEEN = 2_000;

const A_FIFTH = { maxSessions: REQUESTS / 5 };

interface Opened {
  readonly store: SessionStore;
  readonly stop?: () => Promise<unknown>;
}

const STORES: Readonly<Record<string, () => Promise<Opened>>> = {
  memory: async () => ({ store: new MemorySessionStore(A_FIFTH) }),
  Redis: async () => {
    const redis = await RedisServer.start('--maxmemory', '16mb', '--maxmemory-policy', 'noeviction');
    return { store: await readyRedisStore({ url: redis.url }), stop: () => redis.stop() };
  },
};

/** The fewest and the most sessions that strangers can begin on it, each in the place of the one before. */
const ACCEPTED: Readonly<Record<string, readonly [number, number]>> = {
  memory: [REQUESTS, REQUESTS],
  // Those of the others are refused when it is full.
  Redis: [1_000, REQUESTS / 2],
};

/** Cookieless writes over a few connections, as one attacker sends them. Resolves with how often each status came. */
async function flood(url: string, requests: number): Promise<Record<number, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const statuses: Record<number, number> = {};
  const post = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = request(`${url}/count`, { method: 'POST', agent }, (response) => {
        const { statusCode = 0 } = response;
        statuses[statusCode] = (statuses[statusCode] ?? 0) + 1;
        response.resume().on('end', resolve);
      });
      sent.on('error', reject).end();
    });
  let left = requests;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await post();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  agent.destroy();
  return statuses;
}

let server: TestApplication;
let stop: Opened['stop'];
afterEach(async () => {
  await server.close();
  await stop?.();
});

describe.each(adapters)('100,000 writes without a cookie, $adapter,', ({ adapter }) => {
  describe.each(Object.keys(STORES))('on the %s store', (name) => {
    it.each([[undefined], [20]])('lock out nobody who is logged in, with perClientPerSecond %s', async (limit) => {
      const opened = await (STORES[name] as () => Promise<Opened>)();
      ({ stop } = opened);
      const session: SessionModuleOptions = limit === undefined ? {} : { admission: { perClientPerSecond: limit } };
      server = await startApplication({
        adapter,
        beans: [Counter],
        controllers: [CountController],
        store: new CountingStore(opened.store),
        session,
      });
      const users = Array.from({ length: USERS }, () => new Client(server.app));
      for (const user of users) expect((await user.post('/login')).status).toBe(201);

      const statuses: Record<number, number> = {};
      const before = process.cpuUsage();
      for (let sent = 0, round = 1; sent < REQUESTS; sent += BETWEEN, round++) {
        for (const [status, count] of Object.entries(await flood(server.url, BETWEEN))) {
          statuses[Number(status)] = (statuses[Number(status)] ?? 0) + count;
        }
        for (const user of users) expect((await user.post('/count')).text).toBe(`somebody ${round}`);
        for (const user of users.filter((_, i) => i % 4 === round % 4)) {
          expect((await user.post(round % 8 < 4 ? '/renew' : '/login')).status).toBe(201);
        }
        // Users who were not here yet.
        expect((await new Client(server.app).post('/login')).status).toBe(201);
      }
      const { user, system } = process.cpuUsage(before);
      const figures = { adapter, store: name, limit, statuses, filled: opened.store.filled?.(), heapMB: heapMB() };
      console.info(JSON.stringify({ ...figures, cpuMicrosecondsPerRequest: Math.round((user + system) / REQUESTS) }));
      const expected = limit === undefined ? ACCEPTED[name] : [0, REQUESTS / 2];
      expect(statuses[201] ?? 0).toBeGreaterThanOrEqual(expected?.[0] ?? 0);
      expect(statuses[201] ?? 0).toBeLessThanOrEqual(expected?.[1] ?? 0);
    });
  });
});

function heapMB(): number {
  return Math.round(process.memoryUsage().heapUsed / 1024 / 1024);
}
