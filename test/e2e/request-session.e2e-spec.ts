import type { IncomingMessage, ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { HttpSession, SessionEvents } from 'nestjs-session-beans';
import { type FastifyRequestSession, useRequestSession } from 'nestjs-session-beans/request-session';
import { Client, setCookies } from '../support/client.js';
import { Counter } from '../support/counter.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { secretOf } from '../support/secret-of.js';

/** A request of either framework. */
interface Request {
  session: FastifyRequestSession;
  sessionID?: string;
}

type Handler = (request: Request, session: FastifyRequestSession, response: ServerResponse) => unknown;

let handler: Handler;

@Controller()
class SessionController {
  @Inject() readonly counter!: Counter;
  @Inject() readonly session!: HttpSession;

  @Get('bean') bean(): number {
    return ++this.counter.value;
  }

  @Get('theme') theme(): unknown {
    return { theme: this.session.get('theme'), handle: this.session.handle };
  }
}

/** Nest sees no bean and no HttpSession in it. */
@Controller()
class PlainController {
  @Get('any') async any(
    @Req() request: Request,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<unknown> {
    return { result: await handler(request, request.session, response) };
  }
}

describe.each(adapters)('req.session, $adapter', ({ adapter }) => {
  let server: TestApplication;
  let client: Client;
  /** Middleware behind it, with the request that it gets. */
  let middleware: (request: IncomingMessage & Request) => void;

  beforeEach(async () => {
    middleware = () => undefined;
    server = await startApplication({
      adapter,
      beans: [Counter],
      controllers: [PlainController, SessionController],
      prepare: (app) => {
        useRequestSession(app);
        app.use((request: IncomingMessage & Request, _response: unknown, next: () => void) => {
          middleware(request);
          next();
        });
      },
    });
    client = new Client(server.app);
  });
  afterEach(() => server.close());

  /** Answers one request with `work`. @returns what it gives, or the status */
  const answer = async (work: Handler, from = client): Promise<unknown> => {
    handler = work;
    const response = await from.get('/any');
    return response.status === 200 ? (response.body as { result?: unknown }).result : response.status;
  };

  it('is there in middleware, and starts a session with its first property', async () => {
    const seen: unknown[] = [];
    middleware = ({ session }) => seen.push(session['views']);
    expect(setCookies(await client.get('/theme'))).toEqual([]);
    expect(await answer((_request, session) => (session['views'] = 1))).toBe(1);
    expect(await answer((_request, session) => ++session['views'])).toBe(2);
    expect(await answer((_request, session) => session['views'])).toBe(2);
    expect(seen).toEqual([undefined, undefined, 1, 2]);
  });

  it('has the attributes of HttpSession, in the tree of which everything can be changed', async () => {
    await answer((_request, session) => {
      session['theme'] = 'dark';
      session['cart'] = { items: ['a'], at: new Date(7) };
    });
    expect((await client.get('/theme')).body).toMatchObject({ theme: 'dark' });
    await answer((_request, { cart }) => (cart as { items: string[] }).items.push('b'));
    expect(await answer((_request, { cart }) => inspect(cart))).toBe(
      "{ items: [ 'a', 'b' ], at: 1970-01-01T00:00:00.007Z }",
    );
  });

  it('is an object like others: in, delete, keys, spread, Object.assign, hasOwnProperty, JSON', async () => {
    await answer((_request, session) => Object.assign(session, { a: 1, b: undefined, c: null }));
    expect(
      await answer((_request, session) => {
        const { cookie: _cookie, ...spread } = session;
        const { cookie, ...json } = JSON.parse(JSON.stringify(session)) as Record<string, unknown>;
        return [
          Object.keys(session),
          spread,
          json,
          typeof cookie,
          ['a' in session, 'b' in session, 'save' in session],
          [Object.hasOwn(session, 'a'), session['hasOwnProperty']('save')],
          inspect(session).replaceAll(/cookie: [^]*?},/g, 'cookie,'),
          delete session['a'],
          Object.keys(session),
        ];
      }),
    ).toEqual([
      ['cookie', 'a', 'c'],
      { a: 1, c: null },
      { a: 1, c: null },
      'object',
      [true, false, true],
      [true, false],
      expect.stringMatching(/^{\s*cookie,\s*a: 1,\s*c: null\s*}$/),
      true,
      ['cookie', 'c'],
    ]);
    expect(await answer((_request, session) => Object.keys(session))).toEqual(['cookie', 'c']);
  });

  it('refuses names that mean something else, and lets nobody reach what all sessions share', async () => {
    const refused = await answer((_request, session) =>
      ['id', 'save', 'cookie'].map((name) => {
        try {
          session[name] = 'mine';
          return 'set';
        } catch (error) {
          return (error as Error).message;
        }
      }),
    );
    expect(refused).toEqual(
      ['id', 'save', 'cookie'].map((name) => expect.stringContaining(`req.session.${name} has a meaning of its own`)),
    );
    expect(await answer((_request, session) => session['__proto__'] === undefined)).toBe(true);
    await answer((_request, session) => (session['__proto__'] = { isAdmin: true }));
    expect(await answer((_request, session) => session['isAdmin'] === undefined)).toBe(true);
  });

  it('has the handle as its id, and nothing that opens the session', async () => {
    expect(await answer((_request, { id }) => typeof id)).toBe('undefined');
    await answer((_request, session) => (session['theme'] = 'dark'));
    const { handle } = (await client.get('/theme')).body as { handle: string };
    const secret = secretOf(client.cookie.slice('sid='.length));
    const seen = await answer(({ sessionID }, session) => [
      session.id,
      adapter === 'express' ? sessionID : session.sessionId,
      [inspect(session, { showHidden: true, depth: 9 }), JSON.stringify(session)].some((text) => text.includes(secret)),
    ]);
    expect(seen).toEqual([handle, handle, false]);
  });

  it('keeps overlapping requests apart, and merges what they did to different properties', async () => {
    await answer((_request, session) => Object.assign(session, { a: { x: 0, y: 0 }, n: 0 }));
    const [begun, goOn] = [new Latch(), new Latch()];
    const first = answer(async (_request, session) => {
      session['a'].x = 1;
      session['n'] = 1;
      begun.open();
      await goOn.opened;
    });
    await begun.opened;
    expect(await answer((_request, { a }) => a as object)).toEqual({ x: 0, y: 0 });
    await answer((_request, session) => (session['a'].y = 1));
    goOn.open();
    expect(await first).toBeUndefined();
    expect(await answer((_request, { a, n }) => [a, n])).toEqual([{ x: 1, y: 1 }, 1]);
  });

  it('refuses the later of two overlapping requests that change the same value', async () => {
    await answer((_request, session) => (session['a'] = { x: 0 }));
    const [begun, goOn] = [new Latch(), new Latch()];
    const first = answer(async (_request, session) => {
      session['a'].x = 1;
      begun.open();
      await goOn.opened;
    });
    await begun.opened;
    await answer((_request, session) => (session['a'].x = 2));
    goOn.open();
    expect(await first).toBe(409);
    expect(await answer((_request, { a }) => a as object)).toEqual({ x: 2 });
  });

  it('can be read when the response is over, for logs, and no more be changed', async () => {
    await answer((_request, session) => (session['user'] = 'ann'));
    let seen: unknown;
    const over = new Promise<void>((resolve) => {
      handler = (_request, session, response) => {
        const raw = 'raw' in response ? (response.raw as ServerResponse) : response;
        raw.once('close', () =>
          setImmediate(() => {
            try {
              seen = [session['user'], Object.keys(session), session.id];
              session['user'] = 'bob';
            } catch (error) {
              seen = [seen, (error as { code: string }).code];
            }
            resolve();
          }),
        );
      };
    });
    await client.get('/any');
    await over;
    expect(seen).toEqual([['ann', ['cookie', 'user'], undefined], 'SESSION_RESPONSE_COMMITTED']);
  });

  it('is answered with 503 when the store is down, and its cookie stays', async () => {
    await answer((_request, session) => (session['user'] = 'ann'));
    server.store.before = () => {
      throw new Error('down');
    };
    handler = () => 'reached';
    const response = await client.get('/any');
    expect([response.status, setCookies(response)]).toEqual([503, []]);
    server.store.before = () => undefined;
    expect(await answer((_request, { user }) => user as unknown)).toBe('ann');
  });

  it('belongs to its request also where a callback has lost that', async () => {
    const outside: (() => void)[] = [];
    const timer = setInterval(() => outside.shift()?.(), 1);
    const work: Handler = (_request, session) =>
      new Promise((resolve) => outside.push(() => resolve((session['n'] = (session['n'] ?? 0) + 1))));
    expect([await answer(work), await answer(work)]).toEqual([1, 2]);
    clearInterval(timer);
  });

  describe('save()', () => {
    it('stores at once, with a callback or a promise', async () => {
      await answer((_request, session) => (session['n'] = 0));
      server.store.reset();
      const saves = await answer(async (_request, session) => {
        session['n']++;
        const before = server.store.calls.save;
        await session.save();
        const after = server.store.calls.save;
        session['n']++;
        const isItself = await new Promise((resolve) => {
          const returned: unknown = session.save((error) => resolve(error ?? returned === session));
        });
        return [before, after, server.store.calls.save, isItself];
      });
      expect(saves).toEqual([0, 1, 2, true]);
      expect(await answer((_request, { n }) => n as number)).toBe(2);
    });

    it('gives the callback the failure', async () => {
      await answer((_request, session) => (session['n'] = 0));
      const code = await answer((_request, session) => {
        session['n'] = 1;
        server.store.before = () => {
          throw new Error('down');
        };
        return new Promise((resolve) => session.save((error) => resolve((error as { code: string }).code)));
      });
      server.store.before = () => undefined;
      expect(code).toBe('SESSION_STORE_UNAVAILABLE');
    });
  });

  describe('regenerate()', () => {
    it('goes on with an empty session under another id; the former object keeps what it had', async () => {
      await answer((_request, session) => Object.assign(session, { cart: ['a'], user: 'ann' }));
      await client.get('/bean');
      const planted = client.copy();
      const seen = await answer(async (request, session) => {
        const { id } = session;
        await session.regenerate();
        request.session['user'] = 'bob';
        return [id !== request.session.id, session !== request.session, session['user'], Object.keys(session)];
      });
      expect(seen).toEqual([true, true, 'ann', ['cookie', 'cart', 'user']]);
      expect(await answer((_request, { user, cart }) => [user, cart ?? 'none'])).toEqual(['bob', 'none']);
      expect((await client.get('/bean')).text).toBe('1');
      expect(await answer((_request, { user }) => user ?? 'nobody', planted)).toBe('nobody');
    });

    it('ends the former session; late requests with its id neither start one nor take the new one', async () => {
      const ended: unknown[] = [];
      server.app.get(SessionEvents).on('ended', ({ reason }) => ended.push(reason));
      await answer((_request, session) => (session['user'] = 'ann'));
      const late = client.copy();
      await answer((_request, session) => session.regenerate());
      expect(ended).toEqual(['invalidated']);
      expect(await answer((_request, session) => (session['cart'] = []), late)).toBe(409);
      handler = () => 'read';
      expect(setCookies(await late.get('/any'))).toEqual([]);
      expect(
        await answer(async (request, session) => {
          await session.regenerate();
          request.session['user'] = 'ann again';
          return Object.keys(request.session);
        }, late),
      ).toEqual(['cookie', 'user']);
      expect(await answer((_request, { user }) => user as unknown, late)).toBe('ann again');
    });

    it('of a visitor without a session starts none by itself', async () => {
      handler = (_request, session) => session.regenerate();
      expect(setCookies(await client.get('/any'))).toEqual([]);
    });

    it('ends the login of a session that has one', async () => {
      const seen = await answer(async (request, session) => {
        const http = server.app.get(HttpSession);
        await http.login('ann');
        await session.save();
        await request.session.regenerate();
        return http.principal ?? 'nobody';
      });
      expect(seen).toBe('nobody');
    });
  });

  describe('destroy()', () => {
    it('ends the session and takes req.session away', async () => {
      await answer((_request, session) => (session['user'] = 'ann'));
      const other = client.copy();
      const seen = await answer(
        (request, session) =>
          new Promise((resolve) =>
            session.destroy((error) => resolve([error ?? 'none', request.session ?? 'gone', session['user']])),
          ),
      );
      expect(seen).toEqual(['none', 'gone', 'ann']);
      expect(await answer((_request, { user }) => user ?? 'nobody', other)).toBe('nobody');
    });
  });

  describe('reload()', () => {
    it('forgets what the request has changed, and shows what others have stored', async () => {
      await answer((_request, session) => Object.assign(session, { a: 1, b: 1 }));
      const [begun, goOn] = [new Latch(), new Latch()];
      const first = answer(async (_request, session) => {
        session['a'] = 2;
        begun.open();
        await goOn.opened;
        await session.reload();
        return [session['a'], session['b']];
      });
      await begun.opened;
      await answer((_request, session) => (session['b'] = 2));
      goOn.open();
      expect(await first).toEqual([1, 2]);
      expect(await answer((_request, { a, b }) => [a, b])).toEqual([1, 2]);
    });

    it('fails where there is no session', async () => {
      expect(await answer((_request, session) => session.reload().catch((error: { code: string }) => error.code))).toBe(
        'SESSION_ENDED',
      );
    });
  });

  describe('cookie', () => {
    it('tells how long the session lives, which can be set for one session', async () => {
      await answer((_request, session) => {
        session['user'] = 'ann';
        session.cookie.maxAge = 30 * DAY;
      });
      const seen = await answer((_request, { cookie }) => [
        cookie.originalMaxAge,
        cookie.maxAge,
        cookie.httpOnly,
        cookie.path,
      ]);
      expect(seen).toEqual([30 * DAY, expect.any(Number), true, '/']);
      const [, left] = seen as number[];
      expect(left).toBeGreaterThan(29 * DAY);
      expect(left).toBeLessThanOrEqual(30 * DAY);
      await answer((_request, { cookie }) => (cookie.maxAge = null));
      expect(await answer((_request, { cookie }) => cookie.originalMaxAge)).toBe(30 * 60_000);
    });

    it('refuses what is set for all sessions', async () => {
      const text = await answer((_request, { cookie }) => {
        try {
          (cookie as { secure: unknown }).secure = false;
        } catch (error) {
          return (error as Error).message;
        }
        return 'set';
      });
      expect(text).toContain('req.session.cookie.secure cannot be set for one session');
    });
  });
});

const DAY = 24 * 3_600_000;
