import { afterEach, describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { Controller, Get, Inject, Res } from '@nestjs/common';
import { HttpSession, type SessionModuleOptions } from 'nestjs-session-beans';
import { Counter } from '../support/counter.js';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

let started: Latch;
let ended: Latch;
let lateLink: string;

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

  @Get('link') link(): string {
    this.counter.value++;
    return this.session.encodeUrl('/count?page=2#top');
  }

  /** Makes its link when its client has left. */
  @Get('late-link') async linkLater(@Res({ passthrough: true }) response: { raw?: ServerResponse }): Promise<string> {
    const closed = new Latch();
    (response.raw ?? (response as ServerResponse)).once('close', closed.open);
    started.open();
    await closed.opened;
    this.counter.value++;
    lateLink = this.session.encodeUrl('/count');
    ended.open();
    return lateLink;
  }
}

describe.each(adapters)('R5 the way of the id, $adapter', ({ adapter }) => {
  let server: TestApplication;
  const start = async (session: SessionModuleOptions): Promise<void> => {
    server = await startApplication({ adapter, beans: [Counter], controllers: [CountController], session });
  };
  const get = (path: string, ...headers: string[]) => RawClient.exchange(server.url, path, headers);
  afterEach(() => server.close());

  it('header: both ways in X-Session-Id, never in a cookie', async () => {
    await start({ idTransport: 'header' });
    const first = await get('/count');
    const token = first.header('x-session-id') ?? '';
    expect(token).toMatch(/^[\w-]{65}$/);
    expect(first.cookies).toEqual([]);
    expect(first.header('cache-control')).toBe('no-store');
    const second = await get('/count', `X-Session-Id: ${token}`);
    expect(second.body).toBe('n=2');
    expect(second.header('x-session-id')).toBeUndefined();
    expect(second.header('vary')).toBe('X-Session-Id');
    expect((await get('/count', `Cookie: sid=${token}`)).body).toBe('n=1');
  });

  it('R47 header: two of them are none', async () => {
    await start({ idTransport: 'header' });
    const token = (await get('/count')).header('x-session-id') ?? '';
    for (const headers of [
      [`X-Session-Id: ${token}`, `X-Session-Id: ${token}`],
      [`X-Session-Id: ${token}, ${token}`],
    ]) {
      expect(await get('/peek', ...headers)).toMatchObject({ status: 200, body: 'n=0' });
      expect((await get('/count', ...headers)).status).toBe(400);
    }
    // Over Node's limit for headers, and small enough to be read whole before Node closes the connection.
    expect((await get('/count', `X-Session-Id: ${'a'.repeat(20_000)}`)).status).toBe(431);
  });

  it('R48 url: in the addresses that encodeUrl() made', async () => {
    await start({ idTransport: 'url' });
    const first = await get('/link');
    expect(first.body).toMatch(/^\/count\?page=2&sid=[\w-]{65}#top$/);
    expect(first.cookies).toEqual([]);
    expect(first.header('referrer-policy')).toBe('no-referrer');
    expect(first.header('cache-control')).toBe('no-store');
    expect((await get(first.body.replace('#top', ''))).body).toBe('n=2');
    const other = await get('/link');
    // B16: the cookie wins.
    const sid = (link: string): string => /sid=[\w-]{65}/.exec(link)?.[0] ?? '';
    expect((await get(`/count?${sid(other.body)}`, `Cookie: ${sid(first.body)}`)).body).toBe('n=3');
  });

  it('url: the address that is made when the client has left carries the id of its session', async () => {
    [started, ended] = [new Latch(), new Latch()];
    await start({ idTransport: 'url' });
    const address = (await get('/link')).body.replace('#top', '');
    const client = await RawClient.open(server.url);
    client.request(address.replace('/count', '/late-link'));
    await started.opened;
    client.destroy();
    await ended.opened;

    expect(lateLink.split('sid=')[1]).toBe(address.split('sid=')[1]);
    await eventually(
      'what it changed is stored',
      async () => (await get('/peek?' + lateLink.split('?')[1])).body === 'n=2',
    );
  });

  it('R37 B27 cookie: what a client says about TLS changes nothing', async () => {
    await start({});
    for (const header of ['X-Forwarded-Proto: https', 'Forwarded: proto=https', 'X-Forwarded-Ssl: on']) {
      expect((await get('/count', header)).cookies).toEqual([
        expect.stringMatching(/^sid=[\w-]{65}; Path=\/; HttpOnly; SameSite=Lax$/),
      ]);
    }
  });
});
