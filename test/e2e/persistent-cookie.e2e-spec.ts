import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post, Query } from '@nestjs/common';
import { HttpSession, type SessionModuleOptions } from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import { Counter } from '../support/counter.js';
import type { CountingStore } from '../support/counting-store.js';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';
import { RedisServer } from '../support/redis-server.js';
import { readyRedisStore } from '../support/redis-stores.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

let clock: ManualClock;
let arrived: Latch;
let goOn: Latch;

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

  /** A long poll. */
  @Get('wait') wait(@Query('ms') ms: string): string {
    clock.advance(Number(ms));
    return `n=${this.counter.value}`;
  }

  @Get('slow') async slow(): Promise<string> {
    arrived.open();
    await goOn.opened;
    return `n=${this.counter.value}`;
  }

  @Post('timeouts') timeouts(@Query('idle') idle: string): void {
    this.session.setTimeouts({ idleTimeoutMs: Number(idle) });
  }

  @Post('login') login(@Query('idle') idle?: string): Promise<void> {
    return this.session.login('ann', idle === undefined ? undefined : { idleTimeoutMs: Number(idle) });
  }

  @Post('logout') logout(): Promise<void> {
    return this.session.logout();
  }
}

/** A browser with a clock, as far as one cookie goes. */
class Browser {
  /** How often it was given the cookie. */
  given = 0;
  maxAge: number | undefined;
  private pair = '';
  private endsAt = Infinity;

  constructor(private readonly url: string) {}

  /** `name=value`, also after its end; empty without one. */
  get cookie(): string {
    return this.pair;
  }

  get hasCookie(): boolean {
    return this.pair !== '' && clock.now() < this.endsAt;
  }

  async send(path: string, method = 'GET'): Promise<string> {
    const { cookies, body } = await RawClient.exchange(
      this.url,
      path,
      this.hasCookie ? [`Cookie: ${this.pair}`] : [],
      method,
    );
    for (const line of cookies) this.receive(line);
    return body;
  }

  private receive(line: string): void {
    const maxAge = /; Max-Age=(\d+)/.exec(line)?.[1];
    this.given++;
    this.maxAge = maxAge === undefined ? undefined : Number(maxAge);
    this.endsAt = clock.now() + Number(maxAge ?? Infinity) * SECOND;
    this.pair = line.split(';')[0] ?? '';
  }
}

describe.each(adapters)('A4 a persistent cookie, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let browser: Browser;
  afterEach(() => server.close());

  async function start(session: SessionModuleOptions = {}): Promise<void> {
    clock = new ManualClock();
    server = await startServer(session);
    browser = new Browser(server.url);
  }

  function startServer(session: SessionModuleOptions, store?: CountingStore): Promise<TestApplication> {
    return startApplication({
      ...(store && { store }),
      adapter,
      beans: [Counter],
      controllers: [CountController],
      session: {
        clock,
        idleTimeoutMs: 10 * MINUTE,
        unjoinedTimeoutMs: 10 * MINUTE,
        cookie: { persistent: true },
        ...session,
      },
    });
  }

  it('is kept until the session ends, and a step of a tenth longer', async () => {
    await start();
    await browser.send('/count');
    expect([browser.given, browser.maxAge]).toEqual([1, 11 * 60]);
  });

  it('is none without the option', async () => {
    await start({ cookie: {} });
    await browser.send('/count');
    clock.advance(5 * MINUTE);
    await browser.send('/count');
    expect([browser.given, browser.maxAge]).toEqual([1, undefined]);
  });

  it.each([
    ['/peek', 10],
    ['/count', 11],
  ])('is sent again when the end has moved by a step, not with each request: %s', async (path, times) => {
    await start();
    await browser.send('/count');
    for (let i = 0; i < 60; i++) {
      clock.advance(10 * SECOND);
      await browser.send(path);
    }
    expect([browser.given, browser.maxAge]).toEqual([times, 11 * 60]);
  });

  it.each<[string, SessionModuleOptions]>([
    ['no near cache', {}],
    ['a near cache', { nearCache: { mode: 'validate' } }],
    ['the rarest touches', { touchIntervalMs: 5 * MINUTE }],
    ['a touch with each request', { touchIntervalMs: 0 }],
  ])('never ends before its session, however that is used; with %s', async (_, options) => {
    await start({ absoluteTimeoutMs: DAY, ...options });
    await browser.send('/count');
    const gaps = [1, 20, 59, 61, 119, 290, 400, 540, 599, 701].map((seconds) => seconds * SECOND);
    const paths = ['/peek', '/count', '/wait?ms=20000', '/wait?ms=300000', '/wait?ms=70000'];
    const late: string[] = [];
    for (let i = 0; i < 150; i++) {
      clock.advance(gaps[(i * 7 + (i >> 3)) % gaps.length] as number);
      if (!browser.hasCookie) {
        late.push((await RawClient.exchange(server.url, '/peek', [`Cookie: ${browser.cookie}`])).body);
      }
      await browser.send(browser.hasCookie ? (paths[(i * 3 + (i >> 2)) % paths.length] as string) : '/count');
    }
    // The session was over as well, each time.
    expect(new Set(late)).toEqual(new Set(['n=0']));
    expect(browser.given).toBeLessThan(150);
  });

  it('does not outlive the absolute end, and is not sent again when that has come near', async () => {
    await start({ absoluteTimeoutMs: 15 * MINUTE });
    await browser.send('/count');
    clock.advance(9 * MINUTE);
    await browser.send('/peek');
    expect([browser.given, browser.maxAge]).toEqual([2, 6 * 60]);
    for (let i = 0; i < 5; i++) {
      clock.advance(MINUTE);
      await browser.send('/count');
    }
    expect(browser.given).toBe(2);
  });

  it('follows a login and its timeouts, timeouts that are set later, and the logout', async () => {
    await start();
    await browser.send('/count');
    await browser.send(`/login?idle=${DAY}`, 'POST');
    expect([browser.given, browser.maxAge]).toEqual([2, 12 * 3_600]);
    await browser.send(`/timeouts?idle=${2 * MINUTE}`, 'POST');
    expect([browser.given, browser.maxAge]).toEqual([3, 132]);
    await browser.send('/logout', 'POST');
    expect([browser.given, browser.maxAge, browser.hasCookie]).toEqual([4, 0, false]);
  });

  it('is not sent again with an id that a login has replaced meanwhile', async () => {
    await start();
    await browser.send('/count');
    clock.advance(5 * MINUTE);
    [arrived, goOn] = [new Latch(), new Latch()];
    const before = `Cookie: ${browser.cookie}`;
    const late = RawClient.exchange(server.url, '/slow', [before]);
    await arrived.opened;
    const other = await startServer({}, server.store);
    const { cookies } = await RawClient.exchange(other.url, '/login', [before], 'POST');
    expect(cookies).toEqual([expect.stringMatching(/^sid=/)]);
    goOn.open();
    expect(await late).toMatchObject({ status: 200, cookies: [] });
    await other.close();
  });

  describe('in Redis', () => {
    it.each(['none', 'validate', 'bounded'] as const)('is sent again with its id; near cache: %s', async (mode) => {
      const redis = await RedisServer.start();
      const store = await readyRedisStore({ url: redis.url });
      await start({
        store,
        idleTimeoutMs: 10 * SECOND,
        unjoinedTimeoutMs: 10 * SECOND,
        ...(mode !== 'none' && { nearCache: { mode } }),
      });
      const first = await RawClient.exchange(server.url, '/count');
      const [line = ''] = first.cookies.filter((one) => one.startsWith('sid='));
      expect(line).toMatch(/; Max-Age=11$/);
      const cookie = `Cookie: ${line.split(';')[0]}`;
      const again = await eventually('it is sent again', async () => {
        const { cookies } = await RawClient.exchange(server.url, '/peek', [cookie]);
        return cookies.find((one) => one.startsWith('sid='));
      });
      expect(again).toBe(line);
      await server.close();
      await redis.stop();
    });
  });
});
