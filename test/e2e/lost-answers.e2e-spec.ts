import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Post } from '@nestjs/common';
import { HttpSession, MemorySessionStore, SessionScoped } from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import type { Response } from 'supertest';
import { Client, setCookies } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'cart' })
class Cart {
  items: string[] = [];
}

let entered = 0;
let awaited = 0;
let allEntered = new Latch();
let goOn = new Latch();

/** From now on, slow handlers go on when `count` of them have begun and the test lets them. */
function expectSlow(count: number): void {
  [entered, awaited, allEntered, goOn] = [0, count, new Latch(), new Latch()];
}

@Controller()
class ShopController {
  constructor(
    private readonly session: HttpSession,
    private readonly cart: Cart,
  ) {}

  @Get()
  see(): object {
    const { principal = 'nobody' } = this.session;
    return { principal, cart: this.cart.items };
  }

  @Get('slow')
  async seeSlowly(): Promise<object> {
    await this.meet();
    return this.see();
  }

  @Post('add-early/:item')
  async addEarly(@Param('item') item: string): Promise<object> {
    this.cart.items.push(item);
    await this.session.flush();
    return this.seeSlowly();
  }

  @Post('add/:item')
  add(@Param('item') item: string): object {
    this.cart.items.push(item);
    return this.see();
  }

  @Post('slow-add/:item')
  async slowAdd(@Param('item') item: string): Promise<object> {
    await this.meet();
    return this.add(item);
  }

  @Post('login/:user')
  async login(@Param('user') user: string): Promise<void> {
    await this.session.login(user);
  }

  @Post('slow-login/:user')
  async slowLogin(@Param('user') user: string): Promise<void> {
    await this.session.login(user);
    await this.meet();
  }

  @Post('start')
  start(): void {
    this.session.start();
  }

  @Post('renew')
  renew(): void {
    this.session.renewId();
  }

  @Post('logout')
  async logout(): Promise<void> {
    await this.session.logout();
  }

  private async meet(): Promise<void> {
    if (++entered === awaited) allEntered.open();
    await goOn.opened;
  }
}

const USES = ['/add/milk', '/start', '/renew', '/logout'];

describe.each(adapters)('A1 a client that has lost the answer with its new id, $adapter,', ({ adapter }) => {
  let clock: ManualClock;
  let servers: readonly [TestApplication, TestApplication];
  /** It keeps its first id. */
  let client: Client;

  beforeEach(async () => {
    clock = new ManualClock();
    const memory = new MemorySessionStore({ clock });
    const start = (): Promise<TestApplication> =>
      startApplication({
        adapter,
        beans: [Cart],
        controllers: [ShopController],
        session: { clock },
        // As a store that servers share: they ask it.
        store: new CountingStore(memory, { shared: true }),
      });
    servers = [await start(), await start()];
    client = new Client(servers[0].app);
    await client.post('/add/tea');
  });
  afterEach(() => Promise.all(servers.map((server) => server.close())));

  /** Sends a request whose answer the client never gets to see. */
  const sendAndLose = async (path: string): Promise<Response> => client.copy().post(path);
  /** A client of the server with the cookie of the answer. */
  const clientOf = (response: Response, server = servers[0]): Client => {
    const given = new Client(server.app);
    given.cookie = setCookies(response)[0]?.split(';')[0] ?? '';
    return given;
  };
  const seenBy = async (who: Client): Promise<unknown> => (await who.get('/')).body;
  const elsewhere = (): Client => {
    const other = new Client(servers[1].app);
    other.cookie = client.cookie;
    return other;
  };

  it.each(['the same server', 'another server'])(
    'can log in at once, on %s, to a new and empty session',
    async (where) => {
      const lost = await sendAndLose('/login/ann');

      const again = await (where === 'the same server' ? client.copy() : elsewhere()).post('/login/ann');

      expect([again.status, setCookies(again).length]).toEqual([201, 1]);
      expect(await seenBy(clientOf(again))).toEqual({ principal: 'ann', cart: [] });
      // The one before was not touched.
      expect(await seenBy(clientOf(lost))).toEqual({ principal: 'ann', cart: ['tea'] });
    },
  );

  it('can log in also after a renewal, and as somebody else', async () => {
    await client.post('/login/ann');
    await sendAndLose('/renew');
    const again = await client.copy().post('/login/bob');
    expect(again.status).toBe(201);
    expect(await seenBy(clientOf(again))).toEqual({ principal: 'bob', cart: [] });
  });

  it('gets nothing of the session that goes on under the new id, not even as its own user', async () => {
    await client.post('/login/ann');
    await client.post('/add/milk');
    await sendAndLose('/login/ann');
    const again = await client.copy().post('/login/ann');
    expect(await seenBy(clientOf(again))).toEqual({ principal: 'ann', cart: [] });
  });

  it.each(USES)(
    'is refused %s with the former id, and its cookie, which may be the new one by now, stays',
    async (path) => {
      const lost = await sendAndLose('/login/ann');
      for (const former of [client.copy(), elsewhere()]) {
        const refused = await former.post(path);
        expect([refused.status, setCookies(refused)]).toEqual([409, []]);
      }
      expect(await seenBy(clientOf(lost))).toEqual({ principal: 'ann', cart: ['tea'] });
    },
  );

  it('reads nothing with the former id, and its cookie stays', async () => {
    await sendAndLose('/login/ann');
    for (const former of [client.copy(), elsewhere()]) {
      const read = await former.get('/');
      expect([read.status, read.body, setCookies(read)]).toEqual([200, { principal: 'nobody', cart: [] }, []]);
    }
  });

  it('has a dead id like any other two minutes later: it is told to forget it, and may start a session', async () => {
    await sendAndLose('/renew');
    clock.advance(120_000);
    expect(setCookies(await client.copy().get('/'))).toEqual([expect.stringMatching(/^sid=;.*; Max-Age=0$/)]);
    const added = await client.copy().post('/add/milk');
    expect([added.status, added.body]).toEqual([201, { principal: 'nobody', cart: ['milk'] }]);
  });

  it.each(['one server', 'two servers'])(
    'and one that logs in twice at once, on %s, gets two ids that both work',
    async (where) => {
      expectSlow(2);
      const second = where === 'one server' ? client.copy() : elsewhere();
      const logins = [client.copy().post('/slow-login/ann'), second.post('/slow-login/ann')];
      await allEntered.opened;
      goOn.open();

      const answers = await Promise.all(logins);

      expect(answers.map(({ status }) => status)).toEqual([201, 201]);
      const [one, other] = answers.map((answer) => clientOf(answer));
      expect(one?.cookie).not.toBe(other?.cookie);
      for (const given of [one, other] as Client[]) {
        expect(await seenBy(given)).toEqual({ principal: 'ann', cart: ['tea'] });
        await given.post('/add/milk');
        expect(await seenBy(given)).toEqual({ principal: 'ann', cart: ['tea', 'milk'] });
      }
    },
  );

  it('and one that logs in as two users at once gets two sessions, of which neither sees the other', async () => {
    expectSlow(2);
    const logins = ['ann', 'bob'].map((user) => client.copy().post(`/slow-login/${user}`));
    await allEntered.opened;
    goOn.open();
    const [ann, bob] = (await Promise.all(logins)).map((answer) => clientOf(answer)) as [Client, Client];
    await ann.post('/add/of-ann');
    await bob.post('/add/of-bob');
    expect(await seenBy(ann)).toEqual({ principal: 'ann', cart: ['tea', 'of-ann'] });
    expect(await seenBy(bob)).toEqual({ principal: 'bob', cart: ['tea', 'of-bob'] });
  });

  it('and one that renews its id twice at once gets one new id; the other request is refused', async () => {
    const [reply, held] = [new Latch(), new Latch()];
    servers[0].store.before = (operation) => {
      if (operation !== 'save') return undefined;
      held.open();
      return reply.opened;
    };
    const first = client.copy().post('/renew');
    await held.opened;
    const second = await elsewhere().post('/renew');
    reply.open();
    const late = await first;
    expect([second.status, setCookies(second).length]).toEqual([201, 1]);
    expect([late.status, setCookies(late)]).toEqual([409, []]);
    expect(await seenBy(clientOf(second))).toEqual({ principal: 'nobody', cart: ['tea'] });
  });

  it('A10 that logs in with a dead id keeps that login: what it had sent before starts no session', async () => {
    clock.advance(24 * 3_600_000);
    expectSlow(2);
    const late = [client.copy(), elsewhere()].map((former) => former.post('/slow-add/milk'));
    await allEntered.opened;
    const login = await client.copy().post('/login/ann');
    expect([login.status, setCookies(login).length]).toEqual([201, 1]);
    // By now, what the store has told them of their id is no news any more.
    await pause(20);
    goOn.open();
    for (const answer of await Promise.all(late)) expect([answer.status, setCookies(answer)]).toEqual([409, []]);
    expect(await seenBy(clientOf(login))).toEqual({ principal: 'ann', cart: [] });
  });
});

describe.each(adapters)('a client that comes to another server, $adapter,', ({ adapter }) => {
  let servers: readonly [TestApplication, TestApplication];
  let client: Client;
  let moved: Client;

  beforeEach(async () => {
    const memory = new MemorySessionStore();
    const start = (nodeName: string): Promise<TestApplication> => {
      const store = new CountingStore(memory, { shared: true });
      return startApplication({ adapter, beans: [Cart], controllers: [ShopController], session: { nodeName }, store });
    };
    servers = [await start('a'), await start('b')];
    client = new Client(servers[0].app);
    await client.post('/add/tea');
    await client.get('/');
    moved = new Client(servers[1].app);
    moved.cookie = client.cookie;
    servers[1].store.reset();
  });
  afterEach(() => Promise.all(servers.map((server) => server.close())));

  it('is told the new route, which costs one call of the store where nothing is saved, and then none', async () => {
    const calls = servers[1].store.calls;
    const told = (await moved.copy().post('/add/milk')).headers['set-cookie'];
    expect([told, calls.load, calls.save]).toEqual([[expect.stringMatching(/^sid=[\w-]{65}[.]b;/)], 1, 1]);
    await moved.get('/');
    expect([moved.cookie.at(-1), calls.load]).toEqual(['b', 3]);
    await moved.get('/');
    expect(calls.load).toBe(4);
  });

  it.each([
    ['a slow read', '/slow'],
    ['a write that was stored early', '/add-early/milk'],
  ])('keeps the id of its login, though %s answers later with the new route', async (_title, path) => {
    expectSlow(1);
    const late = path === '/slow' ? moved.get(path) : moved.post(path);
    await allEntered.opened;
    await client.post('/login/ann');
    goOn.open();
    const answer = await late;
    expect([answer.status < 300, setCookies(answer)]).toEqual([true, []]);
    expect((await client.get('/')).body).toMatchObject({ principal: 'ann' });
  });

  it('is told nothing where the store does not answer by then', async () => {
    expectSlow(1);
    const late = moved.get('/slow');
    await allEntered.opened;
    servers[1].store.before = () => Promise.reject(new Error('down'));
    goOn.open();
    const answer = await late;
    expect([answer.status, setCookies(answer)]).toEqual([200, []]);
  });
});
