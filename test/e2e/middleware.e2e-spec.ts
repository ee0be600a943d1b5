import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type NestMiddleware,
  type NestModule,
  Post,
} from '@nestjs/common';
import {
  HttpSession,
  ReadOnlySession,
  SessionContext,
  SessionContextNotActiveError,
  SessionModule,
  SkipSession,
} from 'nestjs-session-beans';
import { Client, setCookies } from '../support/client.js';
import { Counter } from '../support/counter.js';
import { type AdapterName, type TestApplication, adapters, startApplication } from '../support/platforms.js';

type Next = (error?: unknown) => void;
type Work = (session: HttpSession, counter: Counter, response: ServerResponse, next: Next) => unknown;

/** What the middleware of the application does, once it has loaded the session. */
let work: Work;

/** The session is used in the middleware that stands at this place. */
async function use(session: HttpSession, counter: Counter, response: ServerResponse, next: Next): Promise<void> {
  try {
    await session.load();
    await work(session, counter, response, next);
  } catch (error) {
    next(error);
  }
}

@Injectable()
class LoadingMiddleware implements NestMiddleware {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  use(_request: IncomingMessage, response: ServerResponse, next: Next): Promise<void> {
    return use(this.session, this.counter, response, next);
  }
}

@Controller()
class CountController {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  @Get() read(): object {
    return { count: this.counter.value, seen: this.session.get('seen') };
  }

  @ReadOnlySession()
  @Get('read-only')
  readOnly(): object {
    const { value } = this.counter;
    this.counter.value = 99;
    return { count: value };
  }

  @Post('count') count(): number {
    return ++this.counter.value;
  }

  @SkipSession()
  @Get('skipped')
  skipped(): string {
    return 'no session';
  }

  @Get('loads') async loads(): Promise<object> {
    await this.session.load();
    return this.read();
  }
}

function withMiddlewareOfNest(): object {
  @Module({ imports: [SessionModule.forFeature([Counter])], providers: [LoadingMiddleware] })
  class MiddlewareModule implements NestModule {
    configure(consumer: MiddlewareConsumer): void {
      consumer.apply(LoadingMiddleware).forRoutes('{*path}');
    }
  }
  return MiddlewareModule;
}

const places = adapters.flatMap(({ adapter }) => [
  { adapter, place: 'middleware of Nest' },
  { adapter, place: 'app.use()' },
]);

function start(adapter: AdapterName, place: string, trustProxy?: string): Promise<TestApplication> {
  return startApplication({
    adapter,
    trustProxy,
    beans: [Counter],
    imports: place === 'app.use()' ? [] : [withMiddlewareOfNest() as never],
    controllers: [CountController],
    prepare: (app) => {
      if (place !== 'app.use()') return;
      app.use((_request: IncomingMessage, response: ServerResponse, next: Next) =>
        use(app.get(HttpSession), app.get(Counter), response, next),
      );
    },
  });
}

describe.each(places)('session.load() in $place, $adapter,', ({ adapter, place }) => {
  let server: TestApplication;
  let client: Client;
  beforeEach(async () => {
    work = (_session, _counter, _response, next) => next();
    server = await start(adapter, place);
    client = new Client(server.app);
    await client.post('/count');
    await client.get('/');
    server.store.reset();
  });
  afterEach(() => server.close());

  it('loads the session once for middleware and route', async () => {
    let seen: unknown;
    work = (session, counter, _response, next) => {
      seen = [session.exists, session.isNew, counter.value];
      next();
    };
    expect((await client.get('/')).body).toEqual({ count: 1 });
    expect(seen).toEqual([true, false, 1]);
    expect(server.store.calls).toEqual({ load: 1, save: 0, touch: 0, destroy: 0 });
  });

  it('does so in one unit of work, which is stored once', async () => {
    work = (session, counter, _response, next) => {
      counter.value += 10;
      session.set('seen', true);
      next();
    };
    expect((await client.post('/count')).text).toBe('12');
    expect(server.store.calls).toEqual({ load: 1, save: 1, touch: 0, destroy: 0 });
    work = (_session, _counter, _response, next) => next();
    expect((await client.get('/')).body).toEqual({ count: 12, seen: true });
  });

  it.each([
    ['a handler that needs no session', '/skipped', 200],
    ['no route', '/nowhere', 404],
  ])('stores what middleware has changed before %s', async (_what, path, status) => {
    work = (_session, counter, _response, next) => {
      counter.value += 10;
      next();
    };
    expect((await client.get(path)).status).toBe(status);
    expect(server.store.calls.save).toBe(1);
    work = (_session, _counter, _response, next) => next();
    expect((await client.get('/')).body).toEqual({ count: 11 });
  });

  it('stores what middleware has changed that answers itself, and starts a session with its answer', async () => {
    work = (_session, counter, response) => {
      counter.value += 10;
      response.end(`${counter.value}`);
    };
    expect((await client.get('/skipped')).text).toBe('11');
    const newcomer = new Client(server.app);
    const answer = await newcomer.get('/skipped');
    expect([answer.text, setCookies(answer).length]).toEqual(['10', 1]);
    expect((await newcomer.get('/skipped')).text).toBe('20');
  });

  it('stores what middleware has changed before a handler that changes nothing', async () => {
    work = (_session, counter, _response, next) => {
      counter.value += 10;
      next();
    };
    expect((await client.get('/read-only')).body).toEqual({ count: 11 });
    work = (_session, _counter, _response, next) => next();
    expect((await client.get('/')).body).toEqual({ count: 11 });
  });

  it('stores what middleware changes after the handler, before the first byte', async () => {
    work = async (session, counter, response, next) => {
      session.set('basket', { items: [] });
      const { items } = session.get('basket') as { items: number[] };
      const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
      response.end = (...args: unknown[]) => {
        items.push(2);
        return end(...args);
      };
      next();
    };
    await client.post('/count');
    let seen: unknown;
    work = (session, _counter, _response, next) => {
      seen = session.get('basket');
      next();
    };
    await client.get('/');
    expect(seen).toEqual({ items: [2] });
  });

  it('fails with the error of a store that is down, which the request is answered with', async () => {
    server.store.before = () => {
      throw new Error('down');
    };
    const { status, body } = await client.get('/');
    expect([status, body]).toMatchObject([503, { code: 'SESSION_STORE_UNAVAILABLE' }]);
    expect(server.store.calls.load).toBe(1);
  });

  it('gives the middleware of each of many requests its own session', async () => {
    work = (_session, counter, response, next) => {
      response.setHeader('X-Count', counter.value);
      setTimeout(next, Math.random() * 5);
    };
    const clients = Array.from({ length: 8 }, () => new Client(server.app));
    for (const [i, each] of clients.entries()) for (let n = 0; n <= i; n++) await each.post('/count');
    const answers = await Promise.all(clients.map((each) => each.get('/')));
    expect(answers.map(({ headers, body }) => [headers['x-count'], (body as { count: number }).count])).toEqual(
      clients.map((_, i) => [`${i + 1}`, i + 1]),
    );
  });

  it('sets the secure cookie behind a proxy that ends TLS', async () => {
    const trusting = await start(adapter, place, 'loopback');
    work = (session, _counter, _response, next) => {
      session.start();
      next();
    };
    const answer = await new Client(trusting.app).get('/skipped', { 'X-Forwarded-Proto': 'https' });
    await trusting.close();
    expect(setCookies(answer)).toEqual([expect.stringMatching(/^__Host-sid=.*; Secure/)]);
  });
});

describe('session.load()', () => {
  let server: TestApplication;
  beforeEach(async () => {
    server = await startApplication({ adapter: 'express', beans: [Counter], controllers: [CountController] });
  });
  afterEach(() => server.close());

  it('does nothing where the session is loaded: in a handler, and in the work of SessionContext.run()', async () => {
    const client = new Client(server.app);
    await client.post('/count');
    server.store.reset();
    expect((await client.get('/loads')).body).toEqual({ count: 1 });
    expect(server.store.calls.load).toBe(1);
    const source = { headers: { cookie: client.cookie } };
    await server.app.get(SessionContext).run(source, (session) => session.load());
    expect(server.store.calls.load).toBe(2);
  });

  it('is refused outside of requests', () => {
    expect(() => server.app.get(HttpSession).load()).toThrow(SessionContextNotActiveError);
  });
});
