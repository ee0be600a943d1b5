import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Controller, Get, Inject, type MessageEvent, Res, Sse, StreamableFile } from '@nestjs/common';
import { HttpSession, SessionResponseCommittedError, SessionScoped } from 'nestjs-session-beans';
import { Observable } from 'rxjs';
import { accessOf } from 'nestjs-session-beans/store-kit';
import { Counter } from '../support/counter.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

const MEGABYTE = 1024 * 1024;
const SIZE = 20 * MEGABYTE;

interface FrameworkResponse {
  readonly raw?: ServerResponse;
  hijack?(): unknown;
}

@SessionScoped({ name: 'list' })
class List {
  items: string[] = [];
}

let goOn = new Latch();
let error: unknown;
let mostBuffered = 0;

@Controller()
class StreamController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly list!: List;
  @Inject() private readonly session!: HttpSession;

  @Sse('sse-flush') sseFlush(): Observable<MessageEvent> {
    return this.events(async (send) => {
      this.counter.value++;
      await this.session.flush();
      send('flushed');
      await goOn.opened;
      this.counter.value++;
      send('last');
    });
  }

  @Sse('sse-touched-before') sseBefore(): Observable<MessageEvent> {
    this.counter.value++;
    return this.events(async (send) => {
      await goOn.opened;
      send(`n=${++this.counter.value}`);
    });
  }

  @Sse('sse-touched-after') sseAfter(): Observable<MessageEvent> {
    return this.events(async (send) => {
      await goOn.opened;
      try {
        this.counter.value++;
      } catch (caught) {
        error = caught;
      }
      send('late');
    });
  }

  @Get('large') large(): StreamableFile {
    this.counter.value++;
    return new StreamableFile(Readable.from(chunks()));
  }

  @Get('large-pipe') largePipe(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    this.counter.value++;
    const raw = response.raw ?? (response as unknown as ServerResponse);
    const source = Readable.from(chunks());
    source.on('data', () => (mostBuffered = Math.max(mostBuffered, raw.writableLength)));
    source.pipe(raw);
  }

  @Get('many-writes') async manyWrites(@Res() response: FrameworkResponse): Promise<void> {
    response.hijack?.();
    this.counter.value++;
    const raw = response.raw ?? (response as unknown as ServerResponse);
    const isGoingOn: boolean[] = [];
    for (let i = 0; i < 100; i++) isGoingOn.push(raw.write(`${i} `.padEnd(1000, '.')));
    if (isGoingOn.includes(false)) await new Promise((resolve) => raw.once('drain', resolve));
    raw.end(isGoingOn.includes(false) ? 'drained' : 'never full');
  }

  @Get('holding-on') async holdingOn(@Res() response: FrameworkResponse): Promise<void> {
    response.hijack?.();
    const raw = response.raw ?? (response as unknown as ServerResponse);
    const { items } = this.list;
    items.push('before');
    raw.write('first');
    await nextTurn();
    // The bean itself is not touched again.
    items.push('after');
    raw.end('last');
  }

  @Get('list') show(): string {
    return this.list.items.join();
  }

  @Get('peek') peek(): string {
    return `n=${this.counter.value}`;
  }

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  private events(produce: (send: (data: string) => void) => Promise<void>): Observable<MessageEvent> {
    return new Observable((subscriber) => {
      produce((data) => subscriber.next({ data })).then(
        () => subscriber.complete(),
        (failure: unknown) => subscriber.error(failure),
      );
    });
  }
}

function* chunks(): Generator<Buffer> {
  for (let i = 0; i < SIZE / MEGABYTE; i++) yield Buffer.alloc(MEGABYTE, i);
}

describe.each(adapters)('R41 F33 a response that outlives its first byte, $adapter', ({ adapter }) => {
  let server: TestApplication;
  let cookie: string;
  beforeEach(async () => {
    goOn = new Latch();
    error = undefined;
    mostBuffered = 0;
    server = await startApplication({ adapter, beans: [Counter, List], controllers: [StreamController] });
    const { cookies } = await RawClient.exchange(server.url, '/count');
    cookie = `Cookie: ${cookies[0]?.split(';')[0]}`;
    server.store.reset();
  });
  afterEach(() => server.close());

  it('shows others what it flushed, and stores the rest at its end', async () => {
    const client = await RawClient.open(server.url);
    client.request('/sse-flush', [cookie]);
    await client.until((text) => text.includes('data: flushed'));
    expect((await RawClient.exchange(server.url, '/peek', [cookie])).body).toBe('n=2');
    goOn.open();
    expect((await client.response()).body).toContain('data: last');
    client.destroy();
    expect((await RawClient.exchange(server.url, '/peek', [cookie])).body).toBe('n=3');
    expect(server.store.calls.save).toBe(2);
  });

  it('starts a session that is touched before the first byte', async () => {
    const client = await RawClient.open(server.url);
    client.request('/sse-touched-before');
    const head = await client.until((text) => text.includes('\r\n\r\n'));
    const id = /set-cookie: (sid=[^;]+)/i.exec(head)?.[1];
    expect((await RawClient.exchange(server.url, '/peek', [`Cookie: ${id}`])).body).toBe('n=1');
    goOn.open();
    expect((await client.response()).body).toContain('data: n=2');
    client.destroy();
    expect((await RawClient.exchange(server.url, '/peek', [`Cookie: ${id}`])).body).toBe('n=2');
  });

  it('R35 stores at its end what was changed without touching a bean again', async () => {
    expect((await RawClient.exchange(server.url, '/holding-on', [cookie])).body).toBe('firstlast');
    expect((await RawClient.exchange(server.url, '/list', [cookie])).body).toBe('before,after');
  });

  it('cannot start one afterwards', async () => {
    const client = await RawClient.open(server.url);
    client.request('/sse-touched-after');
    await client.until((text) => text.includes('\r\n\r\n'));
    goOn.open();
    const response = await client.response();
    client.destroy();
    expect(response.body).toContain('data: late');
    expect(response.cookies).toEqual([]);
    expect(error).toBeInstanceOf(SessionResponseCommittedError);
    expect(server.store.total).toBe(0);
  });

  it('begins at once for a client whose session is over, and asks the store about that once', async () => {
    await server.store.inner.destroy(accessOf(cookie.slice('Cookie: sid='.length)));
    server.store.before = () => nextTurn();
    const client = await RawClient.open(server.url);
    client.request('/sse-touched-after', [cookie]);
    const head = await client.until((text) => text.includes('\r\n\r\n'));
    expect(head).toMatch(/set-cookie: sid=;/i);
    goOn.open();
    expect((await client.response()).body).toContain('data: late');
    client.destroy();
    // The second call is the one right before the head.
    expect(server.store.calls.load).toBe(2);
  });

  it.each(['/large', '/large-pipe'])('arrives whole: 20 MB of %s', async (path) => {
    const response = await fetch(`${server.url}${path}`);
    const expected = createHash('sha256');
    for (const chunk of chunks()) expected.update(chunk);
    const actual = createHash('sha256').update(Buffer.from(await response.arrayBuffer()));
    expect(actual.digest('hex')).toBe(expected.digest('hex'));
    expect(mostBuffered).toBeLessThan(4 * MEGABYTE);
  });

  it('F31 is replayed in order, and asks whoever writes too much to wait', async () => {
    const { body, cookies } = await RawClient.exchange(server.url, '/many-writes');
    const expected = Array.from({ length: 100 }, (_, i) => `${i} `.padEnd(1000, '.')).join('');
    expect(body).toBe(`${expected}drained`);
    expect(cookies).toHaveLength(1);
  });
});
