import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Controller, Get, Param, Post } from '@nestjs/common';
import { HttpSession, Merge, SessionEvents, type SessionModuleOptions, SessionScoped } from 'nestjs-session-beans';
import { LiveSessions } from '../../libs/session/src/live/live-sessions.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { RedisCommands } from '../support/redis-commands.js';
import { RedisServer } from '../support/redis-server.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { ReplicatedGroup } from '../support/replicated-group.js';

/** Waits longer than any test: its changes are stored by something else than their time. */
@SessionScoped({ name: 'views', writeBehindMs: 60_000 })
class Views {
  @Merge('sum') count = 0;
}

@SessionScoped({ name: 'draft', writeBehindMs: 60_000, onLogin: 'reset' })
class Draft {
  text = '';
}

@SessionScoped({ name: 'seen', writeBehindMs: 300 })
class Seen {
  path = '';
}

@SessionScoped({ name: 'cart' })
class Cart {
  @Merge('sum') items = 0;
}

let entered: Latch;
let goOn: Latch;

@Controller()
class ShopController {
  constructor(
    private readonly session: HttpSession,
    private readonly views: Views,
    private readonly draft: Draft,
    private readonly seen: Seen,
    private readonly cart: Cart,
  ) {}

  @Get('state') state(): object {
    const { views, draft, seen, cart } = this;
    return { views: views.count, draft: draft.text, seen: seen.path, items: cart.items };
  }

  @Post('view') view(): number {
    return ++this.views.count;
  }

  @Post('draft/:text') write(@Param('text') text: string): void {
    this.draft.text = text;
  }

  @Post('seen/:path') see(@Param('path') path: string): void {
    this.seen.path = path;
  }

  @Post('slow-seen/:path') async seeSlowly(@Param('path') path: string): Promise<void> {
    this.seen.path = path;
    entered.open();
    await goOn.opened;
  }

  @Post('buy') buy(): number {
    return ++this.cart.items;
  }

  @Post('view-and-buy') viewAndBuy(): void {
    this.views.count++;
    this.cart.items++;
  }

  @Post('locked-view') lockedView(): Promise<void> {
    return this.session.runExclusive(() => void this.views.count++);
  }

  @Post('login/:user') login(@Param('user') user: string): Promise<void> {
    return this.session.login(user);
  }

  @Post('renew') renew(): void {
    this.session.renewId();
  }

  @Post('logout') logout(): Promise<void> {
    return this.session.logout();
  }
}

interface State {
  readonly views: number;
  readonly draft: string;
  readonly seen: string;
  readonly items: number;
}

const BOUNDED: SessionModuleOptions = { nearCache: { mode: 'bounded', maxStalenessMs: 60_000 } };

describe.each([
  { kind: 'Redis', options: {} },
  { kind: 'Redis and a bounded near cache', options: BOUNDED },
])('changes with writeBehindMs, two servers, $kind', ({ options }) => {
  let redis: RedisServer;
  let commands: RedisCommands;
  let servers: TestApplication[];
  let dropped: string[];
  let client: Client;
  beforeAll(async () => {
    redis = await RedisServer.start();
    commands = new RedisCommands(redis);
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    entered = new Latch();
    goOn = new Latch();
    dropped = [];
    servers = [];
    const prefix = `${randomUUID()}:`;
    for (let i = 0; i < 2; i++) {
      const store = await readyRedisStore({ url: redis.url, prefix });
      const session = { ...options, store, storeTimeoutMs: 20_000 };
      const beans = [Views, Draft, Seen, Cart];
      const server = await startApplication({ adapter: 'express', beans, controllers: [ShopController], session });
      server.app.get(SessionEvents).on('writeBehindDropped', ({ reason }) => void dropped.push(reason));
      servers.push(server);
    }
    client = new Client();
    // The session begins, and its client comes back: from here on changes may wait.
    await post(0, 'buy');
    await state(0);
  });
  afterEach(async () => {
    for (const server of servers) await server.close();
  });

  const post = (server: number, path: string) => client.post(`${servers[server]?.url}/${path}`);
  const state = async (server: number) => (await client.get(`${servers[server]?.url}/state`)).body as State;
  const waiting = () => servers[0]?.app.get(LiveSessions).writeBehind.size;
  /** Each save sets one key. */
  const saves = async () => (await commands.counts()).get('set') ?? 0;

  it('of 30 requests are one save, when their time is up', async () => {
    await commands.reset();
    const sent = Array.from({ length: 30 }, (_, i) => post(0, `seen/p${i}`));
    for (const { status } of await Promise.all(sent)) expect(status).toBe(201);
    const { seen } = await state(0);
    await eventually('the other server sees it', async () => (await state(1)).seen === seen);
    await eventually('the session is let go', () => waiting() === 0);

    // A machine that stops for longer than the window makes two of it.
    expect(await saves()).toBeLessThan(5);
    expect(await saves()).toBeGreaterThan(0);
    expect(dropped).toEqual([]);
  });

  it('make no save while they wait, are seen by this server, and not yet by another one', async () => {
    await commands.reset();
    for (let i = 1; i <= 5; i++) expect((await post(0, 'view')).text).toBe(`${i}`);
    expect(await state(0)).toMatchObject({ views: 5 });
    expect(await state(1)).toMatchObject({ views: 0 });
    expect(await saves()).toBe(0);
    expect(waiting()).toBe(1);
  });

  it('go with the next save of the session', async () => {
    await post(0, 'view');
    await commands.reset();
    await post(0, 'buy');
    expect(await saves()).toBe(1);
    expect(await state(1)).toMatchObject({ views: 1, items: 2 });
  });

  it('are stored before the answer where the request changes another bean, too, or has the lock', async () => {
    await post(0, 'view-and-buy');
    expect(await state(1)).toMatchObject({ views: 1, items: 2 });
    await post(0, 'locked-view');
    expect(await state(1)).toMatchObject({ views: 2, items: 2 });
  });

  it('are stored when the application shuts down', async () => {
    for (let i = 0; i < 3; i++) await post(0, 'view');
    expect(await state(1)).toMatchObject({ views: 0 });
    await servers[0]?.close();
    expect(await state(1)).toMatchObject({ views: 3 });
    expect(dropped).toEqual([]);
  });

  it('are merged with those of another server by the rules of the bean', async () => {
    for (let i = 0; i < 3; i++) await post(0, 'view');
    for (let i = 0; i < 2; i++) await post(1, 'view');
    await post(0, 'buy');
    await post(1, 'buy');
    expect(await state(0)).toMatchObject({ views: 5, items: 3 });
    expect(await state(1)).toMatchObject({ views: 5, items: 3 });
    expect(dropped).toEqual([]);
  });

  it('of overlapping requests are never refused: the later one wins where there is no rule', async () => {
    const slow = post(0, 'slow-seen/late');
    await entered.opened;
    expect((await post(0, 'seen/early')).status).toBe(201);
    goOn.open();
    expect((await slow).status).toBe(201);
    expect(await state(0)).toMatchObject({ seen: 'late' });
    await eventually('both servers have it', async () => (await state(1)).seen === 'late');
  });

  it('are dropped by a logout, and end nothing of the next session', async () => {
    await post(0, 'view');
    const former = client.copy();
    await post(0, 'logout');
    expect(dropped).toEqual(['ended']);
    expect(await state(0)).toMatchObject({ views: 0, items: 0 });
    expect((await former.get(`${servers[1]?.url}/state`)).body).toMatchObject({ views: 0, items: 0 });
  });

  it('do not bring a session back that another server has ended', async () => {
    await post(0, 'view');
    const former = client.copy();
    await post(1, 'logout');
    await servers[0]?.close();
    expect(dropped).toEqual(['ended']);
    expect((await former.get(`${servers[1]?.url}/state`)).body).toMatchObject({ views: 0, items: 0 });
  });

  it('go on with a new id, and with a login as the bean says', async () => {
    await post(0, 'view');
    await post(0, 'renew');
    expect(await state(1)).toMatchObject({ views: 1, items: 1 });
    await post(0, 'view');
    await post(0, 'draft/hello');
    await post(0, 'login/anna');
    expect(await state(0)).toMatchObject({ views: 2, draft: '', items: 1 });
    expect(await state(1)).toMatchObject({ views: 2, draft: '', items: 1 });
    expect(dropped).toEqual([]);
  });
});

it('changes with writeBehindMs reach the session on the member that a client has moved to', async () => {
  const group = await ReplicatedGroup.open(2, {
    callTimeoutMs: 5_000,
    heartbeatMs: 500,
    leaseMs: 10_000,
    lostAfterMs: 20_000,
    goneAfterMs: 60_000,
  });
  const servers: TestApplication[] = [];
  for (const name of group.names) {
    const session = { store: group.store(name), storeTimeoutMs: 20_000 };
    const beans = [Views, Draft, Seen, Cart];
    servers.push(await startApplication({ adapter: 'express', beans, controllers: [ShopController], session }));
  }
  const [first, second] = servers as [TestApplication, TestApplication];
  try {
    const client = new Client();
    await client.post(`${first.url}/buy`);
    await client.get(`${first.url}/state`);
    await client.post(`${first.url}/view`);
    // The balancer sends it to the other member, which takes the session over, while a change waits here.
    await client.post(`${second.url}/view-and-buy`);
    await first.close();
    expect((await client.get(`${second.url}/state`)).body).toMatchObject({ views: 2, items: 2 });
  } finally {
    for (const server of servers) await server.close();
    await group.close();
  }
});
