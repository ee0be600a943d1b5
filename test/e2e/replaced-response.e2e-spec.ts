import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request as httpRequest, Agent, type IncomingMessage, type ServerResponse } from 'node:http';
import { Controller, Get, Inject, type INestApplication, Res } from '@nestjs/common';
import { HttpSession } from 'nestjs-session-beans';
import { Counter } from '../support/counter.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

interface FrameworkResponse {
  readonly raw?: ServerResponse;
  hijack?(): unknown;
  header(name: string, value: string): FrameworkResponse;
  send(body: unknown): unknown;
}

let callbackErrors: unknown[] = [];

@Controller()
class CountController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('send') send(@Res() response: FrameworkResponse): void {
    this.counter.value++;
    response.header('ETag', '"x"').header('Set-Cookie', 'app=1').header('X-Kept', 'yes');
    response.header('Content-Language', 'de').header('Content-Security-Policy', "default-src 'none'").send('stored');
  }

  @Get('flushed') async flushed(@Res() response: FrameworkResponse): Promise<void> {
    this.counter.value++;
    await this.session.flush();
    this.counter.value++;
    response.send('stored');
  }

  @Get('write-on') writeOn(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    const raw = response.raw ?? (response as unknown as ServerResponse);
    this.counter.value++;
    raw.write('stored', (error) => callbackErrors.push(error));
    // As a stream does that nobody tells.
    const timer = setInterval(() => raw.write('more', (error) => callbackErrors.push(error)), 1);
    raw.on('close', () => {
      clearInterval(timer);
      raw.end('late');
    });
  }

  @Get('stream') async stream(@Res() response: FrameworkResponse): Promise<void> {
    response.hijack?.();
    const raw = response.raw ?? (response as unknown as ServerResponse);
    raw.write('first');
    await nextTurn();
    this.counter.value++;
    raw.end('last');
  }
}

function isDown(server: TestApplication, fromSave = 1): void {
  let saves = 0;
  server.store.before = (operation) => {
    if (operation === 'save' && ++saves >= fromSave) throw new Error('down');
  };
}

describe.each(adapters)('a response that says more than was stored, $adapter', ({ adapter }) => {
  let server: TestApplication;
  let cookie: string;
  const crashes: unknown[] = [];
  const note = (error: unknown): void => void crashes.push(error);
  const prepare = (app: INestApplication): void => {
    app.use((_request: IncomingMessage, response: ServerResponse, next: () => void) => {
      response.setHeader('Access-Control-Allow-Origin', '*');
      next();
    });
  };
  beforeEach(async () => {
    callbackErrors = [];
    server = await startApplication({ adapter, beans: [Counter], controllers: [CountController], prepare });
    const { cookies } = await RawClient.exchange(server.url, '/count');
    cookie = cookies[0]?.split(';')[0] ?? '';
    process.on('uncaughtExceptionMonitor', note);
  });
  afterEach(async () => {
    await server.close();
    process.off('uncaughtExceptionMonitor', note);
    if (crashes.length > 0) throw new AggregateError(crashes, 'the process would have ended');
  });

  it('is replaced by 503, without what described it', async () => {
    isDown(server);
    const response = await RawClient.exchange(server.url, '/send', [`Cookie: ${cookie}`]);
    expect(response.status).toBe(503);
    expect(JSON.parse(response.body)).toEqual({
      statusCode: 503,
      message: 'Service Unavailable',
      code: 'SESSION_STORE_UNAVAILABLE',
      applied: 'unknown',
    });
    expect(response.header('content-type')).toBe('application/json; charset=utf-8');
    expect(response.header('content-length')).toBe(String(response.body.length));
    expect(response.header('retry-after')).toBeUndefined();
    expect(response.header('cache-control')).toBe('no-store');
    expect(response.header('vary')).toBe('Cookie');
    expect(response.header('access-control-allow-origin')).toBe('*');
    for (const name of ['etag', 'set-cookie', 'content-language']) expect(response.header(name)).toBeUndefined();
  });

  it('leaves a keep-alive connection usable', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const get = async (path: string): Promise<[number | undefined, string, unknown]> => {
      const request = httpRequest(`${server.url}${path}`, { agent, headers: { cookie } }).end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const chunks = await response.toArray();
      return [response.statusCode, Buffer.concat(chunks as Buffer[]).toString(), request.socket];
    };
    isDown(server);
    const [status, , socket] = await get('/send');
    expect(status).toBe(503);
    server.store.before = () => undefined;
    const again = await get('/count');
    expect(again.slice(0, 2)).toEqual([200, 'n=2']);
    expect(again[2]).toBe(socket);
    agent.destroy();
  });

  it('gives out the id of a session that an earlier flush() stored', async () => {
    isDown(server, 2);
    const response = await RawClient.exchange(server.url, '/flushed');
    expect(response.status).toBe(503);
    expect(response.cookies).toHaveLength(1);
    server.store.before = () => undefined;
    const kept = await RawClient.exchange(server.url, '/count', [`Cookie: ${response.cookies[0]?.split(';')[0]}`]);
    expect(kept.body).toBe('n=2');
  });

  it('closes the connection on a handler that goes on writing, which harms nobody', async () => {
    isDown(server);
    const client = await RawClient.open(server.url);
    client.request('/write-on', [`Cookie: ${cookie}`]);
    const response = await client.response();
    expect(response.status).toBe(503);
    expect(response.header('connection')).toBe('close');
    expect(response.body).not.toMatch(/stored|more|late/);
    while (callbackErrors.length === 0) await nextTurn();
    expect(callbackErrors[0]).toBeInstanceOf(Error);
  });

  it('is broken off where its first byte has left', async () => {
    isDown(server);
    const client = await RawClient.open(server.url);
    client.request('/stream', [`Cookie: ${cookie}`]);
    const response = await client.response();
    expect(response.status).toBe(200);
    expect(client.received).not.toContain('last');
    expect(client.received.endsWith('0\r\n\r\n')).toBe(false);
    server.store.before = () => undefined;
    expect((await RawClient.exchange(server.url, '/count', [`Cookie: ${cookie}`])).body).toBe('n=2');
  });
});
