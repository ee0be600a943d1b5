import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as http2 from 'node:http2';
import { get as getOverTls } from 'node:https';
import { once } from 'node:events';
import { Controller, Get, Inject, type MessageEvent, Res, Sse, StreamableFile } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { ServerResponse } from 'node:http';
import { HttpSession, MemorySessionStore, SessionEvents, SessionModule } from 'nestjs-session-beans';
import { Observable, of } from 'rxjs';
import { CountingStore } from '../support/counting-store.js';
import { Counter } from '../support/counter.js';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { TestAuthority, type TestCertificate } from '../support/test-authority.js';

interface Reply {
  readonly raw: ServerResponse;
  hijack(): void;
  send(body: unknown): unknown;
}

/** A handler that waits for its client to leave. */
let begun = new Latch();

@Controller()
class CountController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('peek') peek(): string {
    return `n=${this.counter.value}`;
  }

  @Get('renew') async renew(@Res({ passthrough: true }) reply: Reply): Promise<void> {
    const left = once(reply.raw, 'close');
    begun.open();
    await left;
    this.session.renewId();
  }

  @Get('reply') reply(@Res() reply: Reply): void {
    reply.send(`n=${++this.counter.value}`);
  }

  @Get('raw') raw(@Res() reply: Reply): void {
    const text = `n=${++this.counter.value}`;
    reply.hijack();
    reply.raw.writeHead(202, { 'content-type': 'text/plain' });
    reply.raw.write(text);
    reply.raw.end();
  }

  @Get('file') file(): StreamableFile {
    return new StreamableFile(Buffer.from(`n=${++this.counter.value}`));
  }

  @Sse('events') events(): Observable<MessageEvent> {
    return of({ data: `n=${++this.counter.value}` });
  }
}

interface Answer {
  readonly status: unknown;
  readonly body: string;
  /** The pair of the session, to be sent as `cookie`. */
  readonly cookie: string | undefined;
}

describe.each(['http', 'https'])('HTTP/2, which Fastify can speak, over %s', (scheme) => {
  const name = scheme === 'https' ? '__Host-sid' : 'sid';
  const store = new CountingStore(new MemorySessionStore());
  let close: () => Promise<void>;
  let client: http2.ClientHttp2Session;

  let authority: TestAuthority;
  let certificate: TestCertificate;
  let url: string;
  let events: SessionEvents;

  beforeAll(() => {
    authority = new TestAuthority();
    certificate = authority.certificateOf('app.test');
  });
  afterAll(() => authority.remove());
  beforeEach(async () => {
    store.before = () => undefined;
    const module = await Test.createTestingModule({
      imports: [SessionModule.forRoot({ store }), SessionModule.forFeature([Counter])],
      controllers: [CountController],
    }).compile();
    const { key, cert, ca } = certificate;
    const https = scheme === 'https' && { https: { key, cert, allowHTTP1: true } };
    // The options of FastifyAdapter that choose HTTP/2 have a type of their own.
    const app = module.createNestApplication(new FastifyAdapter({ http2: true, ...https } as object));
    app.useLogger(false);
    events = app.get(SessionEvents);
    await app.listen(0, '127.0.0.1');
    // Nest 11 does not know the scheme.
    url = (await app.getUrl()).replace(/^https?/, scheme);
    client = http2.connect(url, { ca, servername: 'app.test' });
    close = () => app.close();
  });
  afterEach(async () => {
    await new Promise<void>((resolve) => client.close(resolve));
    await close();
  });

  async function get(path: string, cookie?: string): Promise<Answer> {
    const stream = client.request({ ':path': path, ...(cookie !== undefined && { cookie }) });
    let [body, status, line] = ['', undefined as unknown, undefined as string | undefined];
    stream.on('response', (headers) => {
      status = headers[':status'];
      line = headers['set-cookie']?.find((one) => one.startsWith(`${name}=`));
    });
    stream.setEncoding('utf8').on('data', (data) => (body += String(data)));
    await new Promise((resolve, reject) => stream.on('close', resolve).on('error', reject));
    return { status, body, cookie: line?.split(';')[0] };
  }

  it.each([
    ['count', 200, 'n=1'],
    ['reply', 200, 'n=1'],
    ['raw', 202, 'n=1'],
    ['file', 200, 'n=1'],
    ['events', 200, 'data: n=1'],
  ])('stores what %s changes, before the first byte', async (path, status, text) => {
    let isStored = false;
    store.before = async (operation) => {
      if (operation !== 'save') return;
      await new Promise((resolve) => setImmediate(resolve));
      isStored = true;
    };
    const { cookie, body, ...first } = await get(`/${path}`);
    expect(isStored).toBe(true);
    expect(first.status).toBe(status);
    expect(body).toContain(text);
    expect(cookie).toBeDefined();
    expect(await get('/peek', cookie)).toEqual({ status: 200, body: 'n=1', cookie: undefined });
  });

  it.each(['count', 'reply', 'raw', 'file'])('answers an error when what %s changes is not stored', async (path) => {
    store.before = (operation) => {
      if (operation === 'save') throw new Error('down');
    };
    const { status, body, cookie } = await get(`/${path}`);
    expect([status, cookie]).toEqual([503, undefined]);
    expect(JSON.parse(body)).toMatchObject({ statusCode: 503 });
  });

  it('keeps the id of a client that has left: nobody could tell it the new one', async () => {
    begun = new Latch();
    const { cookie = '' } = await get('/count');
    const told: string[] = [];
    for (const event of ['renewed', 'notStored'] as const) events.on(event, () => void told.push(event));
    const stream = client.request({ ':path': '/renew', cookie });
    stream.on('error', () => undefined);
    await begun.opened;
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await eventually('it is refused', () => told.length > 0);
    expect(told).toEqual(['notStored']);
    expect((await get('/peek', cookie)).body).toBe('n=1');
  });

  // Without TLS, a port speaks one of them.
  if (scheme === 'https') {
    it('shares sessions with clients that speak HTTP/1.1', async () => {
      const { cookie = '' } = await get('/count');
      const { ca } = certificate;
      const [answer] = await once(
        getOverTls(`${url}/count`, { ca, servername: 'app.test', headers: { cookie } }),
        'response',
      );
      let body = '';
      for await (const data of answer) body += String(data);
      expect([answer.httpVersion, body]).toEqual(['1.1', 'n=2']);
      expect((await get('/peek', cookie)).body).toBe('n=2');
    });
  }
});
