import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, Query } from '@nestjs/common';
import {
  HttpSession,
  MemorySessionStore,
  SessionEvents,
  SessionScoped,
  type SessionEventMap,
} from 'nestjs-session-beans';
import type { SessionStore } from 'nestjs-session-beans/store-kit';
import { Client } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { type AdapterName, type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RedisServer } from '../support/redis-server.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { ReplicatedGroup } from '../support/replicated-group.js';

@SessionScoped({ name: 'notes' })
class Notes {
  text = '';
}

@Controller()
class NotesController {
  constructor(
    private readonly session: HttpSession,
    private readonly notes: Notes,
  ) {}

  @Get()
  see(): string {
    return `${this.session.principal ?? 'nobody'}: ${this.notes.text.slice(0, 10)}`;
  }

  @Post('write')
  write(@Query('text') text: string, @Query('times') times = '1'): void {
    this.notes.text = text.repeat(Number(times));
  }

  @Post('login')
  login(@Query('user') user: string): Promise<void> {
    return this.session.login(user);
  }

  @Post('renew')
  renew(): void {
    this.session.renewId();
  }
}

/** Room for 50 sessions, or for about 150 KB. */
const BOUNDS = { maxSessions: 50, maxBytes: 180_000 };

let server: TestApplication;
let stop: () => Promise<unknown> = async () => undefined;
afterEach(async () => {
  await server.close();
  await stop();
});

async function start(adapter: AdapterName, store: SessionStore): Promise<SessionEventMap['nearlyFull'][]> {
  server = await startApplication({
    adapter,
    beans: [Notes],
    controllers: [NotesController],
    store: new CountingStore(store),
  });
  const told: SessionEventMap['nearlyFull'][] = [];
  server.app.get(SessionEvents).on('nearlyFull', (event) => told.push(event));
  return told;
}

const newClient = (): Client => new Client(server.app);
const post = async (client: Client, path: string): Promise<number> => (await client.post(path)).status;

/** A client that came back after its first request. */
async function visitor(text = 'hello'): Promise<Client> {
  const client = newClient();
  await client.post(`/write?text=${text}`);
  expect(await client.text('/')).toBe(`nobody: ${text}`);
  return client;
}

async function userOf(name: string): Promise<Client> {
  const client = newClient();
  expect(await post(client, `/login?user=${name}`)).toBe(201);
  return client;
}

/** Statuses of first writes by clients that nobody ever hears of again, and how often each came. */
async function flood(requests: number, path = '/write?text=x'): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (let i = 0; i < requests; i++) {
    const status = await post(newClient(), path);
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

describe.each(adapters)('a flood of strangers, $adapter,', ({ adapter }) => {
  describe('on the memory store', () => {
    const open = (): Promise<SessionEventMap['nearlyFull'][]> => start(adapter, new MemorySessionStore(BOUNDS));

    it('C1 C2: costs those their sessions who never come back, and nobody else', async () => {
      const told = await open();
      const alice = await userOf('alice');
      const guest = await visitor();

      expect(await flood(80)).toEqual({ 201: 80 });

      expect([await post(alice, '/write?text=mine'), await post(alice, '/renew')]).toEqual([201, 201]);
      expect(await post(alice, '/login?user=alice')).toBe(201);
      expect(await alice.text('/')).toBe('alice: mine');
      expect([await guest.text('/'), await post(guest, '/login?user=gwen')]).toEqual(['nobody: hello', 201]);
      expect(await guest.text('/')).toBe('gwen: hello');
      expect(await (await visitor('new')).text('/')).toBe('nobody: new');
      expect(await (await userOf('bob')).text('/')).toBe('bob: ');
      expect(told).toEqual([{ store: 'memory', fraction: expect.any(Number) }]);
      expect(told[0]?.fraction).toBeGreaterThanOrEqual(0.8);
    });

    it('C2: takes no room from users by its bytes, while it is new or when it grows', async () => {
      await open();
      const alice = await userOf('alice');
      expect(await flood(40, '/write?text=x&times=9000')).toEqual({ 201: 40 });
      expect(await post(alice, '/write?text=long&times=5000')).toBe(201);
      const strangers = await Promise.all(Array.from({ length: 30 }, () => visitor('x')));
      for (const each of strangers) await each.post('/write?text=y&times=9000');

      expect(await post(alice, '/write?text=longer&times=6000')).toBe(201);
      expect(await alice.text('/')).toBe('alice: longerlong');
    });

    it('C2: of strangers who do come back refuses others a session, and still no user', async () => {
      await open();
      const alice = await userOf('alice');
      const strangers = await Promise.all(Array.from({ length: 49 }, () => visitor('x')));

      const refused = await newClient().post('/write?text=x');
      expect([refused.status, refused.get('Retry-After'), refused.get('Set-Cookie')]).toEqual([503, '1', undefined]);
      expect(await post(alice, '/write?text=mine')).toBe(201);
      expect(await (await userOf('bob')).text('/')).toBe('bob: ');
      // The one who was not here for the longest time has made room for bob.
      const seen = await Promise.all(strangers.map((each) => each.text('/')));
      expect(seen.filter((text) => text === 'nobody: ')).toHaveLength(1);
    });
  });

  it('C1 C2: on a replicated store costs strangers their sessions, and no user, nor a new login', async () => {
    const group = await ReplicatedGroup.open(2, BOUNDS);
    stop = () => group.close();
    const told = await start(adapter, group.store('s1'));
    const alice = await userOf('alice');
    const guest = await visitor();

    // Those to whom nobody came back make room for the next.
    expect(await flood(80)).toEqual({ 201: 80 });

    expect([await post(alice, '/write?text=mine'), await post(alice, '/renew')]).toEqual([201, 201]);
    expect(await post(alice, '/login?user=alice')).toBe(201);
    expect(await alice.text('/')).toBe('alice: mine');
    expect([await guest.text('/'), await post(guest, '/login?user=gwen')]).toEqual(['nobody: hello', 201]);
    expect(await (await userOf('bob')).text('/')).toBe('bob: ');
    expect(told).toEqual([{ store: 'replicated', fraction: expect.any(Number) }]);
  });

  it('C3: that has filled Redis refuses strangers a session, and no user', async () => {
    const redis = await RedisServer.start();
    stop = () => redis.stop();
    await start(adapter, await readyRedisStore({ url: redis.url }));
    const alice = await userOf('alice');
    const guest = await visitor();
    await redis.command('CONFIG', 'SET', 'maxmemory', 1);

    const refused = await newClient().post('/write?text=x');
    expect([refused.status, refused.get('Retry-After'), refused.get('Set-Cookie')]).toEqual([503, '1', undefined]);
    expect([await post(alice, '/write?text=mine&times=5000'), await post(alice, '/renew')]).toEqual([201, 201]);
    expect(await post(alice, '/login?user=alice')).toBe(201);
    expect(await alice.text('/')).toBe('alice: mineminemi');
    expect([await post(guest, '/write?text=hallo'), await post(guest, '/login?user=gwen')]).toEqual([201, 201]);
    expect(await guest.text('/')).toBe('gwen: hallo');
    expect(await (await userOf('bob')).text('/')).toBe('bob: ');
  });
});
