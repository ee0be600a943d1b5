import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  All,
  Controller,
  Get,
  Inject,
  type INestApplication,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  Next,
  Req,
  Res,
} from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { createProxyMiddleware, fixRequestBody } from 'http-proxy-middleware';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { Client, setCookies } from '../../support/client.js';
import { Counter } from '../../support/counter.js';
import { liveSessionCount } from '../../support/live-session-count.js';
import { type TestApplication, adapters, startApplication } from '../../support/platforms.js';

/** The service behind the proxy tells what it was sent, and has cookies of its own. */
const service = createServer((request, response) => {
  const answer = (body: unknown): void => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Set-Cookie': 'theirs=1; Path=/' });
    response.end(JSON.stringify({ url: request.url, cookie: request.headers.cookie, body }));
  };
  if (request.method === 'GET') answer(undefined);
  else void json(request).then(answer);
});

const toService = () =>
  createProxyMiddleware({
    target: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
    // A body that was parsed before is sent on.
    on: { proxyReq: fixRequestBody },
  });

@Controller('count')
class CountController {
  @Inject() private readonly counter!: Counter;

  @Get() count(): string {
    return `n=${++this.counter.value}`;
  }
}

/** Counts the requests that it passes on. */
@Controller('counted')
class CountedController {
  @Inject() private readonly counter!: Counter;
  private readonly pass = toService();

  @All('*path') passOn(@Req() request: Request, @Res() response: Response, @Next() next: NextFunction): Promise<void> {
    this.counter.value++;
    return this.pass(request, response, next);
  }
}

@Module({})
class ConsumerModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(toService()).forRoutes('consumed/*path');
  }
}

beforeAll(async () => {
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
});
afterAll(() => {
  service.close();
  service.closeAllConnections();
});

describe.each(adapters)('http-proxy-middleware, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let client: Client;
  beforeAll(async () => {
    server = await startApplication({
      adapter,
      beans: [Counter],
      controllers: adapter === 'express' ? [CountController, CountedController] : [CountController],
      imports: [ConsumerModule],
      prepare: (app: INestApplication) => app.use('/used', toService()),
    });
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    client = new Client(server.app);
    await client.get('/count');
  });

  const ways = ['used', 'consumed', ...(adapter === 'express' ? ['counted'] : [])];

  it.each(ways)("passes requests and bodies on, with all cookies, and answers with the service's: /%s", async (way) => {
    const { cookie } = client;
    server.store.reset();
    const read = await client.get(`/${way}/page`);
    expect([read.status, (read.body as { cookie: string }).cookie]).toEqual([200, cookie]);
    expect(setCookies(read)).toEqual(['theirs=1; Path=/']);
    const written = await client.post(`/${way}/page`, { text: 'a body' });
    expect([written.status, written.body]).toMatchObject([
      200,
      { cookie: `${cookie}; theirs=1`, body: { text: 'a body' } },
    ]);
    // The two that are middleware run before any session is loaded.
    expect(server.store.calls).toMatchObject(way === 'counted' ? { load: 2, save: 2 } : { load: 0, save: 0 });
    expect(await client.text('/count')).toBe(way === 'counted' ? 'n=4' : 'n=2');
    expect(liveSessionCount(server.app)).toBe(0);
  });

  if (adapter === 'express') {
    it("a new session's cookie stands beside that of the service", async () => {
      const answer = await new Client(server.app).get('/counted/page');
      expect(setCookies(answer).toSorted()).toEqual([expect.stringMatching(/^sid=/), 'theirs=1; Path=/']);
    });
  }
});
