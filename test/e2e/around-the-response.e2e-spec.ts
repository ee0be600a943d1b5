import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createGzip } from 'node:zlib';
import {
  type ArgumentsHost,
  Catch,
  ConflictException,
  Controller,
  type ExceptionFilter,
  Get,
  Inject,
  type INestApplication,
  Injectable,
  Res,
  UseFilters,
} from '@nestjs/common';
import { SessionStoreError } from 'nestjs-session-beans';
import { Counter } from '../support/counter.js';
import { Client, setCookies } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

interface FrameworkResponse {
  readonly raw?: ServerResponse;
  hijack?(): unknown;
  status(code: number): FrameworkResponse;
  header(name: string, value: string | string[]): FrameworkResponse;
  send(body: unknown): unknown;
}

/** One object for all responses, as applications write it. */
const HEADERS = { 'Content-Type': 'text/plain', 'Set-Cookie': 'app=1', Vary: 'Accept', 'Cache-Control': 'public' };

let refusals: (string | undefined)[] = [];

@Injectable()
@Catch(ConflictException, SessionStoreError)
class CountingFilter implements ExceptionFilter {
  constructor(private readonly counter: Counter) {}

  catch(error: Error, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<FrameworkResponse>();
    if (error instanceof ConflictException) this.counter.value += 10;
    response.header('Set-Cookie', ['filter=1', 'filter2=2']).status(418).send(error.name);
  }
}

@Controller()
@UseFilters(CountingFilter)
class CountController {
  @Inject() private readonly counter!: Counter;

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('peek') peek(): string {
    return `n=${this.counter.value}`;
  }

  @Get('conflict') conflict(): never {
    this.counter.value++;
    throw new ConflictException();
  }

  @Get('shared-headers') sharedHeaders(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    const text = this.count();
    (response.raw ?? (response as unknown as ServerResponse)).writeHead(200, 'Fine', HEADERS).end(text);
  }

  @Get('twice') twice(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    const raw = response.raw ?? (response as unknown as ServerResponse);
    raw.end(this.count());
    raw.end();
    for (const late of [() => raw.setHeader('X-Late', '1'), () => raw.writeHead(500)]) {
      try {
        late();
      } catch (error) {
        refusals.push((error as NodeJS.ErrnoException).code);
      }
    }
    raw.statusCode = 500;
  }

  @Get('bad-header') badHeader(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    this.counter.value++;
    (response.raw ?? (response as unknown as ServerResponse)).writeHead(200, { 'X-Bad': 'a\nb' }).end('never');
  }

  @Get('on-after') async onAfter(@Res() response: FrameworkResponse): Promise<void> {
    response.send(this.count());
    await nextTurn();
    this.counter.value++;
  }
}

/** Does what `compression` does: patches the response before us, and delays its head and its bytes. */
function gzipping(_request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const plain = Object.getPrototypeOf(response) as ServerResponse;
  const gzip = createGzip();
  gzip.on('data', (chunk: Buffer) => plain.write.call(response, chunk, 'utf8'));
  gzip.on('end', () => plain.end.call(response, undefined, 'utf8'));
  let hasHead = false;
  Object.assign(response, {
    writeHead(...args: unknown[]) {
      response.removeHeader('Content-Length');
      response.setHeader('Content-Encoding', 'gzip');
      const headers = args.at(-1);
      if (typeof headers === 'object' && headers !== null)
        delete (headers as Record<string, unknown>)['content-length'];
      hasHead = true;
      return plain.writeHead.apply(response, args as never);
    },
    write(chunk: string) {
      if (!hasHead) response.writeHead(response.statusCode);
      return gzip.write(chunk);
    },
    end(chunk?: string | null) {
      if (!hasHead) response.writeHead(response.statusCode);
      gzip.end(chunk ?? undefined);
      return response;
    },
  });
  next();
}

describe.each(adapters)('what applications do around a response, $adapter', ({ adapter }) => {
  let server: TestApplication;
  let prepare: ((app: INestApplication) => void) | undefined;
  const start = async (): Promise<void> => {
    const options = { adapter, beans: [Counter], controllers: [CountController], providers: [CountingFilter] };
    server = await startApplication(prepare ? { ...options, prepare } : options);
  };
  beforeEach(() => {
    prepare = undefined;
    refusals = [];
  });
  afterEach(() => server.close());
  const get = (path: string, ...headers: string[]) => RawClient.exchange(server.url, path, headers);
  const cookieOf = ({ cookies }: { cookies: string[] | readonly string[] }): string =>
    `Cookie: ${cookies.find((line) => line.startsWith('sid='))?.split(';')[0]}`;

  it('an exception filter changes beans and sets cookies: stored, all kept', async () => {
    await start();
    const response = await get('/conflict');
    expect(response).toMatchObject({ status: 418, body: 'ConflictException' });
    expect(response.cookies).toEqual(['filter=1', 'filter2=2', expect.stringMatching(/^sid=[\w-]{65};/)]);
    expect((await get('/peek', cookieOf(response))).body).toBe('n=11');
  });

  it('an exception filter answers when the commit is refused', async () => {
    await start();
    server.store.before = (operation) => {
      if (operation === 'save') throw new Error('down');
    };
    const response = await get('/count');
    expect(response).toMatchObject({ status: 418, body: 'SessionStoreError', cookies: ['filter=1', 'filter2=2'] });
  });

  it('R2 headers that are shared by all responses never learn an id', async () => {
    await start();
    const [one, two] = [await get('/shared-headers'), await get('/shared-headers')];
    for (const response of [one, two]) {
      const { head, cookies } = response;
      expect(head).toMatch(/^HTTP\/1.1 200 Fine\r\n/);
      expect(cookies).toEqual(['app=1', expect.stringMatching(/^sid=/)]);
      expect(response.header('vary')).toBe('Accept, Cookie');
      expect(response.header('cache-control')).toBe('no-store');
    }
    expect(one.cookies[1]).not.toBe(two.cookies[1]);
    expect(HEADERS).toEqual({
      'Content-Type': 'text/plain',
      'Set-Cookie': 'app=1',
      Vary: 'Accept',
      'Cache-Control': 'public',
    });
  });

  it('what is done to a response that is held has no effect on it', async () => {
    await start();
    expect(await get('/twice')).toMatchObject({ status: 200, body: 'n=1' });
    expect(refusals).toEqual(['ERR_HTTP_HEADERS_SENT', 'ERR_HTTP_HEADERS_SENT']);
  });

  it('a header that Node rejects ends in 500, and the process goes on', async () => {
    await start();
    expect((await get('/bad-header')).status).toBe(500);
    expect((await get('/count')).status).toBe(200);
  });

  it('R41 a handler that touches a bean after it sent the response is told', async () => {
    await start();
    const response = await get('/on-after');
    expect(response).toMatchObject({ status: 200, body: 'n=1' });
    expect((await get('/peek', cookieOf(response))).body).toBe('n=1');
  });

  it('middleware that compresses goes on working', async () => {
    prepare = (app) => app.use(gzipping);
    await start();
    const client = new Client(server.app);
    for (const n of [1, 2]) {
      const response = await client.get('/count', { 'accept-encoding': 'identity' });
      expect(setCookies(response)).toHaveLength(n === 1 ? 1 : 0);
      // The client decodes it.
      expect(response.text).toBe(`n=${n}`);
    }
    server.store.before = (operation) => {
      if (operation === 'save') throw new Error('down');
    };
    const refused = await get('/shared-headers');
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.body)).toMatchObject({ statusCode: 503 });
    expect(refused.header('content-encoding')).toBeUndefined();
  });
});
