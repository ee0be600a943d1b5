import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fastifyCompress from '@fastify/compress';
import compression from 'compression';
import { once } from 'node:events';
import type { INestApplication } from '@nestjs/common';
import { Controller, Get, Inject, Req, Res, StreamableFile } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type ServerResponse, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Counter } from '../support/counter.js';
import { Latch } from '../support/latch.js';
import { nestIsAtLeast } from '../support/nest-release.js';
import { type AdapterName, type TestApplication, adapters, startApplication } from '../support/platforms.js';

type Middleware = ReturnType<typeof compression>;
type Request = Parameters<Middleware>[0];
type Response = Parameters<Middleware>[1];

/** Compression adds `flush` to the response, with Express. */
interface Reply extends ServerResponse {
  readonly raw?: ServerResponse;
  hijack?(): void;
  flush?(): void;
  sendFile(path: string): void;
}

const TEXT = 'all work and no play '.repeat(20_000);
const PIECES = TEXT.match(/.{1,60000}/g) ?? [];
let goOn = new Latch();

@Controller()
class CompressedController {
  @Inject() private readonly counter!: Counter;

  /** An event stream by hand. */
  @Get('events') async events(@Res() reply: Reply): Promise<void> {
    const response = this.touch(reply);
    await this.sendEvents(response);
  }

  /** Compression comes after the gate. */
  @Get('events-compressed-late') compressedLate(@Req() request: Request, @Res() response: Response): void {
    this.counter.value++;
    compression()(request, response, () => void this.sendEvents(response));
  }

  private async sendEvents(response: Reply | Response): Promise<void> {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    response.write('data: first\n\n');
    response.flush?.();
    await goOn.opened;
    response.write('data: last\n\n');
    response.end();
  }

  @Get('pieces') async pieces(@Res() reply: Reply): Promise<void> {
    const response = this.touch(reply);
    response.setHeader('Content-Type', 'text/plain');
    for (const piece of PIECES) {
      if (!response.write(piece)) await once(response, 'drain');
    }
    response.end();
  }

  @Get('pipeline') async pipeline(@Res() reply: Reply): Promise<void> {
    const response = this.touch(reply);
    response.setHeader('Content-Type', 'text/plain');
    await pipeline(Readable.from(PIECES), response);
  }

  @Get('proxied') proxied(@Res() reply: Reply): void {
    const response = this.touch(reply);
    get(service, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
  }

  @Get('file') file(): StreamableFile {
    this.counter.value++;
    return new StreamableFile(Readable.from(PIECES), { type: 'text/plain' });
  }

  @Get('value') value(): string {
    this.counter.value++;
    return TEXT;
  }

  @Get('count') count(): string {
    return `n=${this.counter.value}`;
  }

  private touch(reply: Reply): Reply {
    this.counter.value++;
    reply.hijack?.();
    return (reply.raw as Reply | undefined) ?? reply;
  }
}

let service: string;

describe.each(adapters)('a compressed response, $adapter,', ({ adapter }) => {
  const proxied = createServer((_, response) => response.setHeader('Content-Type', 'text/plain').end(TEXT));
  let server: TestApplication;

  beforeEach(async () => {
    goOn = new Latch();
    proxied.listen(0, '127.0.0.1');
    await once(proxied, 'listening');
    service = `http://127.0.0.1:${(proxied.address() as AddressInfo).port}`;
    const prepare = (app: INestApplication): void => compress(app, adapter);
    server = await startApplication({ adapter, beans: [Counter], controllers: [CompressedController], prepare });
  });
  afterEach(async () => {
    await server.close();
    proxied.close();
  });

  it('is stored before it leaves, and arrives whole', async () => {
    for (const path of ['pieces', 'pipeline', 'proxied', 'file', 'value']) {
      const response = await fetch(`${server.url}/${path}`);
      expect([path, await response.text()]).toEqual([path, TEXT]);
      // With Fastify, raw responses are not compressed; with an older adapter none, since it is initialized before.
      const compressedByFastify = nestIsAtLeast('11.1.4') && (path === 'file' || path === 'value');
      const isCompressed = adapter === 'express' || compressedByFastify;
      expect([path, response.headers.has('content-encoding')]).toEqual([path, isCompressed]);
      const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const count = await fetch(`${server.url}/count`, { headers: { cookie } });
      expect([path, await count.text()]).toEqual([path, 'n=1']);
    }
  });

  it.each(['events', ...(adapter === 'express' ? ['events-compressed-late'] : [])])(
    'passes on at once what an event stream flushed while it was held: %s',
    async (path) => {
      const [answer] = await once(get(`${server.url}/${path}`, { headers: { 'accept-encoding': 'gzip' } }), 'response');
      expect(answer.headers['set-cookie']).toHaveLength(1);
      expect(answer.headers['content-encoding']).toBe(adapter === 'express' ? 'gzip' : undefined);
      const events = adapter === 'express' ? answer.pipe(createGunzip()) : answer;
      const [first] = await once(events, 'data');
      expect(String(first)).toBe('data: first\n\n');
      goOn.open();
      const [last] = await once(events, 'data');
      expect(String(last)).toBe('data: last\n\n');
    },
  );
});

function compress(app: INestApplication, adapter: AdapterName): void {
  if (adapter === 'express') app.use(compression());
  // Its types are those of another release of Fastify than the oldest adapter's.
  else void (app as NestFastifyApplication).register(fastifyCompress as never);
}
