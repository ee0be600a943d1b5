import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post, VersioningType, Version } from '@nestjs/common';
import { Counter } from '../support/counter.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';
import { Client, setCookies } from '../support/client.js';
import { RawClient } from '../support/raw-client.js';

@Controller('count')
class CountController {
  @Inject() private readonly counter!: Counter;

  @Get() count(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('of/:name') named(): string {
    return this.count();
  }

  @Version('2') @Get('versioned') versioned(): string {
    return this.count();
  }

  @Get('constant') constant(): string {
    this.counter.value++;
    return 'always the same';
  }

  @Post() post(): string {
    return this.count();
  }
}

describe.each(platforms)('R40 every form of a route, $adapter, $mode', ({ adapter, scope }) => {
  let server: TestApplication;
  beforeAll(async () => {
    server = await startApplication({
      adapter,
      scope,
      beans: [Counter],
      controllers: [CountController],
      prepare(app) {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI });
        app.enableCors();
      },
    });
  });
  afterAll(() => server.close());
  const get = (path: string, headers: string[] = [], method?: string) =>
    RawClient.exchange(server.url, path, headers, method);

  it.each([
    '/api/count',
    '/api/count/of/%63ount',
    '/api/count/of/a%20b?x=/..',
    '/api/v2/count/versioned',
    '/api/count?',
  ])('%s is counted', async (path) => {
    const first = await get(path);
    expect(first).toMatchObject({ status: 200, body: 'n=1' });
    const cookie = `Cookie: ${first.cookies[0]?.split(';')[0]}`;
    expect(await get(path, [cookie])).toMatchObject({ status: 200, body: 'n=2', cookies: [] });
    expect(await get(path, [cookie], 'HEAD')).toMatchObject({ status: 200, body: '', cookies: [] });
    expect((await get('/api/count', [cookie])).body).toBe('n=4');
  });

  it.each(['/api/%63ount', '//api/count', '/api//count', 'http://localhost/api/count', '/API/count'])(
    '%s is counted where the router finds it, and starts nothing where it does not',
    async (path) => {
      const { status, body, cookies } = await get(path);
      const found = { status: 200, body: 'n=1', cookies: 1 };
      const notFound = { status: 404, body, cookies: 0 };
      expect({ status, body, cookies: cookies.length }).toEqual(status === 200 ? found : notFound);
    },
  );

  it.each([
    { path: '/api/nothing', method: 'GET', status: 404 },
    { path: '/count', method: 'GET', status: 404 },
    { path: '/api/count', method: 'PUT', status: 404 },
    { path: '/api/count', method: 'OPTIONS', status: 204 },
  ])('B26 $method $path ($status) starts nothing', async ({ path, method, status }) => {
    server.store.reset();
    expect(await get(path, ['Origin: http://a.test', 'Access-Control-Request-Method: GET'], method)).toMatchObject({
      status,
      cookies: [],
    });
    expect(server.store.total).toBe(0);
  });

  it('B26 a body that cannot be parsed starts nothing', async () => {
    const response = await new Client(server.app).agent.post('/api/count').type('json').send('{"broken');
    expect(response.status).toBe(400);
    expect(setCookies(response)).toEqual([]);
  });

  it('304 says so, and the change is stored', async () => {
    const first = await get('/api/count/constant');
    const cookie = `Cookie: ${first.cookies[0]?.split(';')[0]}`;
    const second = await get('/api/count/constant', [cookie, `If-None-Match: ${first.header('etag')}`]);
    // Fastify makes no ETags.
    const [status, body] = adapter === 'express' ? [304, ''] : [200, 'always the same'];
    expect(second).toMatchObject({ status, body, cookies: [] });
    expect((await get('/api/count', [cookie])).body).toBe('n=3');
  });

  it('pipelined on one connection, requests of several clients are not mixed up', async () => {
    const cookies: string[] = [];
    for (const visits of [1, 2, 3]) {
      const first = await get('/api/count');
      const cookie = `Cookie: ${first.cookies[0]?.split(';')[0]}`;
      for (let i = 1; i < visits; i++) await get('/api/count', [cookie]);
      cookies.push(cookie);
    }
    const client = await RawClient.open(server.url);
    const lines = cookies.map((cookie) => `GET /api/count HTTP/1.1\r\nHost: localhost\r\n${cookie}\r\n\r\n`);
    client.socket.write(lines.join(''));
    const text = await client.until((received) => (received.match(/n=\d/g) ?? []).length === 3);
    client.destroy();
    expect(text.match(/n=\d/g)).toEqual(['n=2', 'n=3', 'n=4']);
  });
});
