import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as http2 from 'node:http2';
import { Controller, Get, Inject, type MessageEvent, Res, Sse, StreamableFile } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { ServerResponse } from 'node:http';
import { MemorySessionStore, SessionModule } from 'nestjs-session-beans';
import { Observable, of } from 'rxjs';
import { CountingStore } from '../support/counting-store.js';
import { Counter } from '../support/counter.js';

interface Reply {
  readonly raw: ServerResponse;
  hijack(): void;
  send(body: unknown): unknown;
}

@Controller()
class CountController {
  @Inject() private readonly counter!: Counter;

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('peek') peek(): string {
    return `n=${this.counter.value}`;
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

describe('HTTP/2, which Fastify can speak', () => {
  const store = new CountingStore(new MemorySessionStore());
  let close: () => Promise<void>;
  let client: http2.ClientHttp2Session;

  beforeEach(async () => {
    store.before = () => undefined;
    const module = await Test.createTestingModule({
      imports: [SessionModule.forRoot({ store }), SessionModule.forFeature([Counter])],
      controllers: [CountController],
    }).compile();
    // The options of FastifyAdapter that choose HTTP/2 have a type of their own.
    const app = module.createNestApplication(new FastifyAdapter({ http2: true } as object));
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    client = http2.connect(await app.getUrl());
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
      line = headers['set-cookie']?.find((one) => one.startsWith('sid='));
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
    expect(cookie).toMatch(/^sid=/);
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
});
