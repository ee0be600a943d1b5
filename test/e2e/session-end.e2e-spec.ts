import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Delete, Get, Inject, Post, Query } from '@nestjs/common';
import {
  HttpSession,
  MemorySessionStore,
  type OnBeanDestroyed,
  SessionEvents,
  SessionScoped,
} from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import { Client, setCookies } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { eventually } from '../support/eventually.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'basket' })
class Basket {
  items: string[] = [];
}

/** What its hook has seen, each time that it ran. */
let seen: object[] = [];
let failures: unknown[] = [];

@SessionScoped({ name: 'reservation' })
class Reservation implements OnBeanDestroyed {
  id = '';

  constructor(
    private readonly basket: Basket,
    private readonly session: HttpSession,
  ) {}

  async onBeanDestroyed(): Promise<void> {
    const { session } = this;
    await Promise.resolve();
    seen.push({
      id: this.id,
      items: [...this.basket.items],
      principal: session.principal,
      theme: session.get('theme'),
      exists: session.exists,
      handle: session.handle,
    });
    this.basket.items.push('changed by a hook');
    for (const change of [() => session.set('theme', 'of a hook'), () => session.start()]) {
      try {
        change();
      } catch (error) {
        failures.push(error);
      }
    }
    await session.flush();
    await session.invalidate();
  }
}

@Controller()
class ShopController {
  @Inject() private readonly basket!: Basket;
  @Inject() private readonly reservation!: Reservation;
  @Inject() private readonly session!: HttpSession;

  @Post('buy') async buy(@Query('user') user?: string): Promise<string | undefined> {
    if (user !== undefined) await this.session.login(user);
    this.basket.items.push('tea');
    this.reservation.id = 'r1';
    this.session.set('theme', 'dark');
    return this.session.handle;
  }

  @Get() see(): object {
    return { exists: this.session.exists, items: this.basket.items, id: this.reservation.id };
  }

  @Post('log-out') async logOut(): Promise<void> {
    await this.session.logout();
  }

  @Post('log-in') async logIn(): Promise<void> {
    await this.session.login('bob');
  }

  @Delete() async invalidate(): Promise<void> {
    await this.session.invalidate();
  }
}

describe.each(adapters)('the end of a session, $adapter,', ({ adapter }) => {
  let servers: TestApplication[];
  let clock: ManualClock;
  let told: { readonly reason: string; readonly principal: string | undefined; readonly handle: unknown }[];
  let client: Client;
  let handle: string;
  beforeEach(async () => {
    [seen, failures, told] = [[], [], []];
    clock = new ManualClock();
    const memory = new MemorySessionStore({ clock });
    servers = [];
    // Two servers with one store: to each the other one's changes come from outside.
    for (let i = 0; i < 2; i++) {
      const store = new CountingStore(memory, { ...memory, shared: true });
      const beans = [Basket, Reservation];
      servers.push(
        await startApplication({ adapter, beans, controllers: [ShopController], store, session: { clock } }),
      );
      servers[i]?.app.get(SessionEvents).on('ended', ({ reason, session }) => {
        told.push({ reason, principal: session.principal, handle: session.handle });
      });
    }
    client = new Client();
    handle = (await client.post(`${servers[0]?.url}/buy?user=alice`)).text;
  });
  afterEach(() => Promise.all(servers.map((server) => server.close())));

  const LAST = { id: 'r1', items: ['tea'], principal: 'alice', theme: 'dark', exists: true };

  it.each(['log-out', 'log-in'])(
    'B15 %s: its hook reads it as it was, and changes and starts nothing',
    async (path) => {
      const response = await client.post(`${servers[0]?.url}/${path}`);
      await eventually('the hook has run', () => seen.length > 0);
      expect(seen).toEqual([{ ...LAST, handle }]);
      expect(failures).toHaveLength(2);
      expect(setCookies(response)).toHaveLength(1);
      expect((await client.get(`${servers[0]?.url}/`)).body).toEqual({
        exists: path === 'log-in',
        items: [],
        id: '',
      });
    },
  );

  it.each([
    ['on one server', 0],
    ['on two servers', 1],
  ])('B14 several logouts at once, %s, run the hook once, and are told once', async (_, other) => {
    const logouts = Array.from({ length: 6 }, (_each, i) =>
      client.copy().post(`${servers[i % 2 === 0 ? 0 : other]?.url}/log-out`),
    );
    for (const { status } of await Promise.all(logouts)) expect(status).toBeLessThan(500);
    await eventually('the hook has run', () => seen.length > 0);
    expect(seen).toEqual([{ ...LAST, handle }]);
    expect(told).toEqual([{ reason: 'logout', principal: 'alice', handle }]);
  });
});

describe.each(adapters)('B16 a session that expires in the memory store, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let clock: ManualClock;
  let told: object[];
  beforeEach(async () => {
    [seen, failures, told] = [[], [], []];
    clock = new ManualClock();
    server = await startApplication({
      adapter,
      beans: [Basket, Reservation],
      controllers: [ShopController],
      store: new CountingStore(new MemorySessionStore({ clock })),
      session: { clock },
    });
    server.app.get(SessionEvents).on('ended', ({ reason, session }) => {
      told.push({ reason, principal: session.principal, handle: session.handle });
    });
  });
  afterEach(() => server.close());

  it('is told once, and its hook runs once, in no request of another user', async () => {
    const client = new Client(server.app);
    const handle = (await client.post('/buy?user=alice')).text;
    clock.advance(24 * 3_600_000);
    // The request of another user finds it.
    const other = new Client(server.app);
    await other.post('/buy?user=bob');
    await eventually('the hook has run', () => seen.length > 0);
    await client.get('/');
    await other.get('/');
    expect(seen).toEqual([{ id: 'r1', items: ['tea'], principal: 'alice', theme: 'dark', exists: true, handle }]);
    expect(told).toEqual([{ reason: 'expired', principal: 'alice', handle }]);
    expect((await other.get('/')).body).toEqual({ exists: true, items: ['tea'], id: 'r1' });
  });
});

describe('B6 one store in several applications', () => {
  it('goes on for the second one when the first is closed, and opens again', async () => {
    const store = new CountingStore(new MemorySessionStore());
    const opened: string[] = [];
    Object.assign(store, { open: () => void opened.push('open'), close: () => void opened.push('close') });
    const start = (): Promise<TestApplication> =>
      startApplication({ adapter: 'express', beans: [Basket, Reservation], controllers: [ShopController], store });
    const [first, second] = [await start(), await start()];
    await first.close();
    expect((await new Client(second.app).post('/buy')).status).toBe(201);
    expect(opened).toEqual(['open']);
    await second.close();
    const third = await start();
    expect((await new Client(third.app).post('/buy')).status).toBe(201);
    await third.close();
    expect(opened).toEqual(['open', 'close', 'open', 'close']);
  });
});
