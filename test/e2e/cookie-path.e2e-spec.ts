import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Inject, Logger, Post } from '@nestjs/common';
import { HttpSession, type SessionModuleOptions } from 'nestjs-session-beans';
import { Counter } from '../support/counter.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';
import { reportedRisks } from '../support/reported-risks.js';

@Controller()
class PathController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get(['app', 'app/count', 'application', 'health', 'App/count']) count(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('peek') peek(): string {
    return `n=${this.counter.value}`;
  }

  @Post('start') start(): void {
    this.session.start();
  }

  @Post('login') async login(): Promise<void> {
    await this.session.login('ann');
  }
}

describe.each(adapters)('A5 cookie.path, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let warned: jest.SpiedFunction<Logger['warn']>;
  beforeEach(() => {
    warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await server.close();
  });

  async function start(session: SessionModuleOptions): Promise<void> {
    const options = { adapter, beans: [Counter], controllers: [PathController], session };
    server = await startApplication(options);
  }
  const get = (path: string, ...headers: string[]) => RawClient.exchange(server.url, path, headers);
  const post = (path: string) => RawClient.exchange(server.url, path, [], 'POST');
  const warnings = () => reportedRisks(warned);

  it('a session starts on the path and below it', async () => {
    await start({ cookie: { path: '/app' } });
    for (const path of ['/app', '/app/count', '/app/count?back=/', '/app/count#x']) {
      const { body, cookies } = await get(path);
      expect([path, body, cookies.length]).toEqual([path, 'n=1', 1]);
    }
    expect(warnings()).toEqual([]);
  });

  it('a session starts nowhere else: nothing is stored, no cookie is sent, the log says it once', async () => {
    await start({ cookie: { path: '/app' } });
    for (const path of ['/health', '/health?x=/app', '/application', '/App/count']) {
      expect(await get(path)).toMatchObject({ status: 500, cookies: [] });
    }
    expect(await post('/start')).toMatchObject({ status: 500, cookies: [] });
    expect(server.store.total).toBe(0);
    expect(warnings()).toEqual([
      expect.stringMatching(/^cookie-path \(high\): cookie\.path: a request to "\/health" .* '\/app' only; .*$/),
    ]);
  });

  it('what needs no session works elsewhere, and so does a login, whose cookie comes back on the path', async () => {
    await start({ cookie: { path: '/app' } });
    expect(await get('/peek')).toMatchObject({ status: 200, body: 'n=0', cookies: [] });
    const { status, cookies } = await post('/login');
    expect([status, cookies]).toEqual([201, [expect.stringMatching(/^sid=.*; Path=\/app;/)]]);
    expect((await get('/app/count', `Cookie: ${cookies[0]?.split(';')[0]}`)).cookies).toEqual([]);
    expect(warnings()).toEqual([]);
  });

  it.each(['X-Forwarded-Prefix: /app', 'X-Forwarded-Prefix: /app/', 'X-Forwarded-Prefix: /app, /v1'])(
    'a proxy says which part of the path it has removed: %s',
    async (header) => {
      await start({ cookie: { path: '/app' } });
      const { body, cookies } = await get('/health', header);
      expect([body, cookies.length]).toEqual(['n=1', 1]);
      expect((await get('/health', 'X-Forwarded-Prefix: /other')).status).toBe(500);
    },
  );

  it('where a client brings the cookie, it comes back', async () => {
    await start({ cookie: { path: '/app' } });
    const { body, cookies } = await get('/health', 'Cookie: sid=of-before');
    expect([body, cookies.length]).toEqual(['n=1', 1]);
  });

  it('only /app/ itself and what is below it match /app/', async () => {
    await start({ cookie: { path: '/app/' } });
    expect((await get('/app')).status).toBe(500);
    expect((await get('/app/count')).body).toBe('n=1');
  });

  it.each(['header', 'url'] as const)(
    'nothing of it counts where the id travels otherwise: %s',
    async (idTransport) => {
      await start({ cookie: { path: '/app' }, idTransport });
      expect((await get('/health')).body).toBe('n=1');
    },
  );

  it('a global prefix is a part of the path', async () => {
    server = await startApplication({
      adapter,
      beans: [Counter],
      controllers: [PathController],
      session: { cookie: { path: '/api' } },
      prepare: (app) => app.setGlobalPrefix('api'),
    });
    expect((await get('/api/health')).body).toBe('n=1');
  });
});

describe('A5 cookie.path, express, behind a middleware that rewrites addresses', () => {
  it('the path that the client asked for counts', async () => {
    const server = await startApplication({
      adapter: 'express',
      beans: [Counter],
      controllers: [PathController],
      session: { cookie: { path: '/app' } },
      prepare: (app) =>
        app.use((request: { url: string }, _: unknown, next: () => void) => {
          request.url = request.url === '/app/old' ? '/health' : '/app/count';
          next();
        }),
    });
    expect((await RawClient.exchange(server.url, '/app/old')).body).toBe('n=1');
    expect((await RawClient.exchange(server.url, '/elsewhere')).status).toBe(500);
    await server.close();
  });
});
