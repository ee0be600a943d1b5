import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Controller, Get, Param, Post } from '@nestjs/common';
import {
  HttpSession,
  Merge,
  SessionEvents,
  type SessionModuleOptions,
  SessionRegistry,
  SessionScoped,
  type SessionStore,
} from 'nestjs-session-beans';
import { PostgresSessionStore } from 'nestjs-session-beans/postgres';
import { Client } from '../support/client.js';
import { rounds } from '../support/rounds.js';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { PostgresServer } from '../support/postgres-server.js';
import { RedisServer } from '../support/redis-server.js';
import { ReplicatedGroup } from '../support/replicated-group.js';
import { readyRedisStore } from '../support/redis-stores.js';

@SessionScoped({ name: 'tally' })
class Tally {
  @Merge('sum') count = 0;
}

let goOn = new Latch();

@Controller()
class AccountController {
  constructor(
    private readonly session: HttpSession,
    private readonly tally: Tally,
  ) {}

  @Get('who') who(): object {
    return { user: this.session.principal ?? 'nobody', count: this.tally.count };
  }

  @Post('login/:user') login(@Param('user') user: string): Promise<void> {
    return this.session.login(user);
  }

  @Post('logout') logout(): Promise<void> {
    return this.session.logout();
  }

  @Post('count') count(): void {
    this.tally.count++;
  }

  @Post('renew') renew(): void {
    this.session.renewId();
  }

  @Post('slow')
  async slow(): Promise<void> {
    this.tally.count++;
    await goOn.opened;
  }
}

interface StoreServer {
  readonly url: string;
  stop(): Promise<void>;
}

interface SharedStore {
  readonly kind: string;
  readonly start: () => Promise<StoreServer>;
  readonly make: (url: string, prefix: string) => Promise<SessionStore>;
  readonly options: SessionModuleOptions;
}

/** Timeouts that even a busy machine keeps. */
const PATIENT = { callTimeoutMs: 5_000, heartbeatMs: 500, leaseMs: 10_000, lostAfterMs: 20_000, goneAfterMs: 60_000 };

const groups = new Map<string, ReplicatedGroup>();

/** The stores of a test are the members of one group. */
async function nextMember(prefix: string): Promise<SessionStore> {
  const group = groups.get(prefix) ?? (await ReplicatedGroup.open(3, PATIENT));
  groups.set(prefix, group);
  return group.store(group.names[group.handedOut++] as string);
}

const redis: SharedStore = {
  kind: 'Redis',
  start: () => RedisServer.start(),
  make: (url, prefix) => readyRedisStore({ url, prefix }),
  options: {},
};

const stores: readonly SharedStore[] = [
  redis,
  { ...redis, kind: 'Redis with a near cache', options: { nearCache: { mode: 'bounded', maxStalenessMs: 60_000 } } },
  {
    kind: 'PostgreSQL',
    start: () => PostgresServer.start(),
    make: async (url) => new PostgresSessionStore({ url, maxConnections: 8 }),
    options: {},
  },
  {
    kind: 'the replicated store',
    start: async () => ({
      url: '',
      stop: async () => void (await Promise.all([...groups.values()].map((group) => group.close()))),
    }),
    make: async (_url, prefix) => nextMember(prefix),
    options: {},
  },
];

/** The clients keep one cookie for all servers. */
class Device extends Client {
  async who(server: TestApplication): Promise<string> {
    return ((await this.get(`${server.url}/who`)).body as { user: string }).user;
  }
}

/** The near cache hears of ends by Redis, so it has the plain store in it. */
const tried = rounds(
  stores.filter(({ kind }) => kind === 'Redis with a near cache' || kind === 'the replicated store'),
  stores,
);

describe.each(tried)('three servers with $kind', ({ kind, start, make, options }) => {
  let storeServer: StoreServer;
  let servers: TestApplication[] = [];
  let user: string;
  let ended: string[] = [];

  beforeAll(async () => {
    storeServer = await start();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  afterAll(() => storeServer?.stop());

  async function startServers(session: SessionModuleOptions = {}): Promise<void> {
    user = randomUUID();
    ended = [];
    goOn = new Latch();
    const prefix = `${user}:`;
    for (let i = 0; i < 3; i++) {
      const store = await make(storeServer.url, prefix);
      const all = { ...options, storeTimeoutMs: 20_000, store, ...session };
      servers.push(
        await startApplication({ adapter: 'express', beans: [Tally], controllers: [AccountController], session: all }),
      );
    }
    for (const { app } of servers) app.get(SessionEvents).on('ended', ({ reason }) => void ended.push(reason));
  }

  const serverOf = (i: number): TestApplication => servers[i % servers.length] as TestApplication;
  const registry = (i = 0): SessionRegistry => serverOf(i).app.get(SessionRegistry);

  /** Devices that log in one after the other, or all at once. */
  async function logIn(devices: readonly Device[]): Promise<number[]> {
    const logins = devices.map((device, i) => device.post(`${serverOf(i).url}/login/${user}`));
    return (await Promise.all(logins)).map(({ status }) => status);
  }

  async function whoseAre(devices: readonly Device[]): Promise<string[]> {
    return Promise.all(devices.map((device, i) => device.who(serverOf(i + 1))));
  }

  function newDevices(count: number): Device[] {
    return Array.from({ length: count }, () => new Device());
  }

  async function handles(i?: number): Promise<string[]> {
    return (await registry(i).list(user, { limit: 100 })).sessions.map(({ handle }) => handle);
  }

  it('of 50 logins at once leave as many as the limit allows', async () => {
    await startServers({ principalLimit: { max: 5 } });
    const devices = newDevices(50);
    expect(new Set(await logIn(devices))).toEqual(new Set([201]));
    const left = (await whoseAre(devices)).filter((name) => name === user);
    expect(left).toHaveLength(5);
    expect(await handles(2)).toHaveLength(5);
    expect(ended).toEqual(Array.from({ length: 45 }, () => 'limit'));
  });

  it('of 50 logins at once accept as many as the limit allows, and one more after a logout', async () => {
    await startServers({ principalLimit: { max: 5, onExceeded: 'reject' } });
    const devices = newDevices(50);
    const statuses = await logIn(devices);
    expect(statuses.filter((status) => status === 201)).toHaveLength(5);
    expect(statuses.filter((status) => status === 403)).toHaveLength(45);
    const names = await whoseAre(devices);
    expect(names.filter((name) => name === user)).toHaveLength(5);
    expect(await handles(2)).toHaveLength(5);
    const [late] = newDevices(1) as [Device];
    expect(await logIn([late])).toEqual([403]);
    const leaving = devices.find((_, i) => names[i] === user) as Device;
    expect((await leaving.post(`${serverOf(1).url}/logout`)).status).toBe(201);
    expect(await logIn([late])).toEqual([201]);
    expect(await handles(1)).toHaveLength(5);
  });

  it('end all sessions of a user while 200 requests are under way, and none comes back', async () => {
    await startServers();
    const devices = newDevices(20);
    await logIn(devices);
    const former = devices.map((device) => device.cookie);
    const path = ['count', 'renew', 'count', 'slow'] as const;
    const requests = Array.from({ length: 200 }, async (_, i) => {
      const device = devices[i % devices.length] as Device;
      return (await device.post(`${serverOf(i).url}/${path[i % 4]}`)).status;
    });
    expect(await registry(1).revokeAll(user)).toBe(20);
    goOn.open();
    const statuses = new Set(await Promise.all(requests));
    // A request whose session has ended meanwhile is refused; one that came later starts a session of nobody.
    for (const status of statuses) expect([201, 401, 409]).toContain(status);
    expect(await whoseAre(devices)).toEqual(devices.map(() => 'nobody'));
    const old = former.map((cookie) => Object.assign(new Device(), { cookie }));
    expect(await whoseAre(old)).toEqual(old.map(() => 'nobody'));
    for (const i of [0, 1, 2]) expect(await handles(i)).toEqual([]);
    expect(ended.filter((reason) => reason === 'revoked')).toHaveLength(20);
  });

  // It takes as long as the bound says, with each store that goes by its clock alike.
  if (options.nearCache || kind === 'the replicated store') {
    it('learn that all sessions have ended, of which no server was told', async () => {
      await startServers();
      const devices = newDevices(3);
      await logIn(devices);
      expect(await whoseAre(devices)).toEqual([user, user, user]);
      await registry(0).revokeEverySession();
      const first = devices[0] as Device;
      expect(await first.copy().get(`${serverOf(0).url}/who`)).toMatchObject({ body: { user: 'nobody' } });
      await eventually('each server has learnt of it', async () => {
        const names = await whoseAre(devices);
        return names.every((name) => name === 'nobody');
      });
      expect(await handles(1)).toEqual([]);
      const [late] = newDevices(1) as [Device];
      await logIn([late]);
      expect(await late.who(serverOf(2))).toBe(user);
    });
  }

  it('end the sessions of a user on every server, also where a copy is kept', async () => {
    await startServers();
    const devices = newDevices(3);
    await logIn(devices);
    // Each server has seen each of them.
    for (const device of devices) for (const i of [0, 1, 2]) expect(await device.who(serverOf(i))).toBe(user);
    const [newest] = (await registry(2).list(user, { limit: 1 })).sessions;
    expect(await registry(2).revokeAll(user, { except: newest?.handle })).toBe(2);
    await eventually('the servers hear of it', async () => {
      const left: string[] = [];
      for (const i of [0, 1, 2]) left.push(...(await Promise.all(devices.map((device) => device.who(serverOf(i))))));
      return left.filter((name) => name === user).length === 3;
    });
    expect(await handles(0)).toEqual([newest?.handle]);
  });
});
