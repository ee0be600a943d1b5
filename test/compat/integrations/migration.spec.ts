import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post, Req } from '@nestjs/common';
import {
  HttpSession,
  MemorySessionStore,
  type MoveContent,
  SessionContext,
  SessionEvents,
  SessionScoped,
} from 'nestjs-session-beans';
import { type FormerSessionStore, useRequestSession } from 'nestjs-session-beans/request-session';
import { Client, setCookies } from '../../support/client.js';
import { CountingStore } from '../../support/counting-store.js';
import { Latch } from '../../support/latch.js';
import { type TestApplication, startApplication } from '../../support/platforms.js';
import { SECRET, libraries } from './former-applications.js';

@SessionScoped({ name: 'cart' })
class Cart {
  items: string[] = [];
}

@Controller()
class ShopController {
  @Inject() private readonly session!: HttpSession;
  @Inject() private readonly cart!: Cart;

  @Get() all(): object {
    const attributes = Object.fromEntries(this.session.keys().map((name) => [name, this.session.get(name)]));
    return { attributes, items: this.cart.items };
  }

  @Post('visits/:name') visit(@Req() { params: { name } }: { params: { name: string } }): void {
    this.session.set(name, true);
  }

  @Post('login') async login(): Promise<void> {
    await this.session.login('ann');
  }

  @Post('logout') async logout(): Promise<void> {
    await this.session.logout();
  }

  @Get('express') express(@Req() request: { session: { user: string } }): string {
    return request.session.user;
  }
}

const CONTENT = { user: 'ann', passport: { user: 'ann' }, cart: ['book'], views: 3 };

describe.each(libraries)('sessions of $name', (library) => {
  let former: FormerSessionStore & Record<'get' | 'set', (...args: never[]) => void>;
  let servers: TestApplication[];
  let client: Client;
  let into: MoveContent | undefined;

  beforeEach(async () => {
    former = library.newStore();
    servers = [];
    into = undefined;
    client = new Client((await start()).app);
    client.cookie = await library.cookieFor(CONTENT, former);
  });
  afterEach(() => Promise.all(servers.map((server) => server.close())));

  /** A server of ours. All of them share a store. */
  async function start(): Promise<TestApplication> {
    const inner = servers[0]?.store.inner ?? new MemorySessionStore();
    const server = await startApplication({
      adapter: library.name === 'express-session' ? 'express' : 'fastify',
      store: new CountingStore(inner, { shared: true }),
      session: {
        migrateFrom: [
          library.migration({
            secret: ['a newer one of that application', SECRET],
            store: former,
            into: (...args) => (into ?? keep)(...args),
          }),
        ],
      },
      beans: [Cart],
      controllers: [ShopController],
      prepare: useRequestSession,
    });
    servers.push(server);
    return server;
  }

  const keep: MoveContent = (content, target) => {
    for (const [name, value] of Object.entries(content)) target.set(name, value);
  };

  const content = async (of = client): Promise<unknown> => (await of.get('/')).body as unknown;

  /** What the former store has under the id of the cookie. */
  const stored = (sid: string) =>
    new Promise<Record<string, unknown> | null | undefined>((resolve) =>
      former.get(sid, (_error, session) => resolve(session as Record<string, unknown>)),
    );
  const sidOf = (cookie: string): string =>
    decodeURIComponent(cookie.slice(cookie.indexOf('=') + 1))
      .replace(/^s:/, '')
      .replace(/\.[^.]*$/, '');

  it('go on under an id of ours, with all they held; nothing of it stays in the former store', async () => {
    const { cookie } = client;
    expect(await stored(sidOf(cookie))).toMatchObject(CONTENT);
    expect(await content()).toEqual({ attributes: CONTENT, items: [] });
    expect(client.cookie).toMatch(/^sid=/);
    expect(Object.keys((await stored(sidOf(cookie))) as object).toSorted()).toEqual([
      'cookie',
      'nestjs-session-beans:takenAt',
    ]);
    expect(setCookies(await client.get('/'))).toEqual([]);
    expect(await client.text('/express')).toBe('ann');
  });

  it('are taken once: of two first requests at the same time, on two servers, each keeps what it changes', async () => {
    const second = await start();
    const created: unknown[] = [];
    for (const { app } of servers) app.get(SessionEvents).on('created', ({ session }) => created.push(session.handle));
    // Both have read the former session before one of them takes it.
    const both = new Latch();
    let reads = 0;
    const get = former.get.bind(former);
    former.get = (...args: Parameters<typeof get>) => {
      if (++reads === 2) both.open();
      void both.opened.then(() => get(...args));
    };
    const other = new Client(second.app);
    other.cookie = client.cookie;
    const answers = await Promise.all([client.post('/visits/a'), other.post('/visits/b')]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(other.cookie).toBe(client.cookie);
    expect(created).toHaveLength(1);
    expect(await content()).toEqual({ attributes: { ...CONTENT, a: true, b: true }, items: [] });
  });

  it('are found by late requests that bring the former cookie, but not once somebody has logged in', async () => {
    const late = client.copy();
    const later = client.copy();
    await client.post('/visits/a');
    expect(await content(late)).toMatchObject({ attributes: { a: true } });
    await client.post('/login');
    expect(await content(later)).toEqual({ attributes: {}, items: [] });
    expect((await later.post('/visits/b')).status).toBe(409);
  });

  it('are not found any more by the former cookie when that moment is over', async () => {
    const { cookie } = client;
    const late = client.copy();
    await content();
    const mark = (await stored(sidOf(cookie))) as Record<string, unknown>;
    const takenAt = Date.now() - 2 * 60_000;
    await new Promise((resolve) =>
      former.set(sidOf(cookie), { ...mark, 'nestjs-session-beans:takenAt': takenAt }, resolve as () => void),
    );
    expect(await content(late)).toEqual({ attributes: {}, items: [] });
    expect(await content()).toEqual({ attributes: CONTENT, items: [] });
  });

  it('are over with a logout, also for the former cookie', async () => {
    const late = client.copy();
    await content();
    await client.post('/logout');
    expect(await content(late)).toEqual({ attributes: {}, items: [] });
  });

  it('are ignored when the signature is wrong, without a call of a store', async () => {
    const asked: unknown[] = [];
    former.get = (sid) => asked.push(sid);
    servers[0]?.store.reset();
    client.cookie = `${client.cookie.slice(0, -4)}AAAA`;
    expect(await content()).toEqual({ attributes: {}, items: [] });
    expect([asked, servers[0]?.store.total]).toEqual([[], 0]);
  });

  it('are ignored when they are unknown or have expired', async () => {
    const sid = sidOf(client.cookie);
    const { cookie, ...rest } = (await stored(sid)) as { cookie: object };
    for (const session of [
      { ...rest, cookie: { ...cookie, expires: new Date(Date.now() - 1).toISOString() } },
      undefined,
      null,
    ]) {
      former.get = (_sid, callback) => (callback as (error: null, session: unknown) => void)(null, session);
      const response = await client.get('/');
      expect([response.body, setCookies(response)]).toEqual([{ attributes: {}, items: [] }, []]);
    }
  });

  it.each(['get', 'set'] as const)(
    'are kept when the former store fails to %s: 503, and they are taken later',
    async (method) => {
      const original = former[method];
      former[method] = (...args: unknown[]) => (args.at(-1) as (error: Error) => void)(new Error('down'));
      const response = await client.get('/');
      expect([response.status, setCookies(response)]).toEqual([503, []]);
      former[method] = original;
      expect(await content()).toEqual({ attributes: CONTENT, items: [] });
    },
  );

  it('are kept when our store fails: 503, and they are taken later', async () => {
    const { store } = servers[0] as TestApplication;
    store.before = () => {
      throw new Error('down');
    };
    expect((await client.get('/')).status).toBe(503);
    store.before = () => undefined;
    expect(await content()).toEqual({ attributes: CONTENT, items: [] });
  });

  it('can be moved into beans', async () => {
    into = ({ user, cart }, target) => {
      target.bean(Cart).items = cart as string[];
      target.set('user', user);
    };
    expect(await content()).toEqual({ attributes: { user: 'ann' }, items: ['book'] });
    expect(await content()).toEqual({ attributes: { user: 'ann' }, items: ['book'] });
  });

  it('are kept when the function that moves them throws', async () => {
    into = () => {
      throw new Error('no cart');
    };
    const response = await client.get('/');
    expect([response.status, setCookies(response)]).toEqual([500, []]);
    into = undefined;
    expect(await content()).toEqual({ attributes: CONTENT, items: [] });
  });

  it('stay where they are while the client has a session of ours', async () => {
    const visitor = new Client((servers[0] as TestApplication).app);
    await visitor.post('/visits/mine');
    const own = visitor.cookie;
    visitor.cookie = client.cookie;
    expect([own, await content(visitor)]).toEqual([expect.any(String), { attributes: { mine: true }, items: [] }]);
    expect(await stored(sidOf(client.cookie))).toMatchObject(CONTENT);
  });

  it('are not taken where no response can bring the new id', async () => {
    const { app } = servers[0] as TestApplication;
    const headers = { cookie: client.cookie };
    expect(await app.get(SessionContext).run({ headers }, (session) => session.exists)).toBe(false);
    expect(await content()).toEqual({ attributes: CONTENT, items: [] });
  });
});
