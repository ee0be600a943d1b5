import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import {
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  type MessageEvent,
  type NestInterceptor,
  Res,
  Sse,
  UseInterceptors,
} from '@nestjs/common';
import { HttpSession, SessionEvents } from 'nestjs-session-beans';
import { Observable, timeout } from 'rxjs';
import { Counter } from '../support/counter.js';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { liveSessionCount } from '../support/live-session-count.js';
import { nestIsAtLeast } from '../support/nest-release.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

interface FrameworkResponse {
  readonly raw?: ServerResponse;
  hijack?(): unknown;
}

let started = new Latch();
let goOn = new Latch();
let closed = new Latch();
const runs = { handled: 0 };

@Injectable()
class Impatient implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(timeout(20));
  }
}

@Controller()
class SlowController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('slow') async slow(@Res({ passthrough: true }) response: FrameworkResponse): Promise<string> {
    this.counter.value++;
    await this.pause(response);
    this.counter.value++;
    runs.handled++;
    return 'ok';
  }

  @Get('slow-failure') async fail(@Res({ passthrough: true }) response: FrameworkResponse): Promise<never> {
    await this.slow(response);
    throw new Error('an error of the application');
  }

  @Get('observable') observable(@Res({ passthrough: true }) response: FrameworkResponse): Observable<string> {
    this.counter.value += 2;
    void this.pause(response);
    return new Observable(() => () => runs.handled++);
  }

  @Get('renew') async renew(@Res({ passthrough: true }) response: FrameworkResponse): Promise<void> {
    this.counter.value++;
    await this.pause(response);
    this.session.renewId();
    runs.handled++;
  }

  @Get('login') async login(@Res({ passthrough: true }) response: FrameworkResponse): Promise<void> {
    this.counter.value++;
    await this.pause(response);
    await this.session.login('ann');
    runs.handled++;
  }

  @Get('stream') async stream(@Res() response: FrameworkResponse): Promise<void> {
    response.hijack?.();
    const raw = response.raw ?? (response as unknown as ServerResponse);
    this.counter.value++;
    raw.write('first');
    await this.pause(response);
    this.counter.value++;
    raw.end('last');
    runs.handled++;
  }

  @Sse('sse') sse(@Res({ passthrough: true }) response: FrameworkResponse): Observable<MessageEvent> {
    this.counter.value++;
    void this.pause(response);
    return new Observable((subscriber) => {
      subscriber.next({ data: 'first' });
      void this.session.flush().then(() => {
        this.counter.value++;
        runs.handled++;
      });
    });
  }

  /** In the manner of callbacks: nobody waits for it, and what it throws ends the process. */
  @Get('callback') callback(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    this.counter.value++;
    void this.pause(response).then(async () => {
      this.counter.value++;
      (response.raw ?? (response as unknown as ServerResponse)).end('late');
      runs.handled++;
    });
  }

  @Get('callback-logout') logout(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    this.counter.value++;
    void this.pause(response).then(async () => {
      await this.session.invalidate();
      (response.raw ?? (response as unknown as ServerResponse)).end('late');
      runs.handled++;
    });
  }

  @UseInterceptors(Impatient) @Get('impatient') async impatient(): Promise<string> {
    this.counter.value++;
    await goOn.opened;
    runs.handled++;
    this.counter.value++;
    return 'never sent';
  }

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('peek') peek(): string {
    return `n=${this.counter.value}`;
  }

  private pause(response: FrameworkResponse): Promise<void> {
    (response.raw ?? (response as unknown as ServerResponse)).once('close', closed.open);
    started.open();
    return goOn.opened;
  }
}

/** Before 11.2.8, Nest waits for the observable of a handler for ever, although nobody does. */
const observable = nestIsAtLeast('11.2.8') ? ['/observable'] : [];

describe.each(adapters)('F30 a client that goes away, $adapter', ({ adapter }) => {
  let server: TestApplication;
  let cookie: string;
  const failures: unknown[] = [];
  const note = (error: unknown): void => void failures.push(error);
  beforeEach(async () => {
    [started, goOn, closed] = [new Latch(), new Latch(), new Latch()];
    runs.handled = 0;
    failures.length = 0;
    process.on('unhandledRejection', note).on('uncaughtExceptionMonitor', note);
    server = await startApplication({ adapter, beans: [Counter], controllers: [SlowController] });
    const { cookies } = await RawClient.exchange(server.url, '/count');
    cookie = `Cookie: ${cookies[0]?.split(';')[0]}`;
  });
  afterEach(async () => {
    await setImmediate();
    await server.close();
    process.off('unhandledRejection', note).off('uncaughtExceptionMonitor', note);
    if (failures.length > 0) throw new AggregateError(failures, 'the process would have ended');
  });

  async function leaveDuring(path: string, headers: readonly string[]): Promise<void> {
    const client = await RawClient.open(server.url);
    client.request(path, headers);
    await started.opened;
    if (path === '/stream') await client.until((text) => text.includes('first'));
    if (path === '/sse') await eventually('everything is released', () => runs.handled === 1);
    client.destroy();
    await closed.opened;
    goOn.open();
    await eventually('everything is released', () => runs.handled === 1 && liveSessionCount(server.app) === 0);
  }

  it.each(['/slow', '/slow-failure', ...observable, '/stream', '/sse'])(
    'during %s loses nothing that the handler changed, and nothing stays behind',
    async (path) => {
      await leaveDuring(path, [cookie]);
      expect((await RawClient.exchange(server.url, '/peek', [cookie])).body).toBe('n=3');
    },
  );

  it('during a callback that no code awaits does not make it throw, and its changes are stored', async () => {
    await leaveDuring('/callback', [cookie]);
    const body = async (): Promise<string> => (await RawClient.exchange(server.url, '/peek', [cookie])).body;
    await eventually('the late change is stored', async () => (await body()) === 'n=3');
    expect(await body()).toBe('n=3');
  });

  it('during a callback that logs out is logged out all the same', async () => {
    await leaveDuring('/callback-logout', [cookie]);
    expect((await RawClient.exchange(server.url, '/peek', [cookie])).body).toBe('n=0');
  });

  it.each(['/renew', '/login'])('during %s keeps its id: nobody could tell it the new one', async (path) => {
    const told: string[] = [];
    for (const name of ['login', 'renewed', 'notStored'] as const)
      server.app.get(SessionEvents).on(name, () => void told.push(name));
    await leaveDuring(path, [cookie]);
    await eventually('it is said', () => told.length > 0);
    expect(told).toEqual(['notStored']);
    expect((await RawClient.exchange(server.url, '/count', [cookie])).body).toBe('n=2');
  });

  it.each(['/slow', '/slow-failure', ...observable])('during %s before it has a session leaves none', async (path) => {
    server.store.reset();
    await leaveDuring(path, []);
    expect(server.store.total).toBe(0);
  });

  it('while its changes are on their way to the store leaves no live session behind', async () => {
    const [saving, saved] = [new Latch(), new Latch()];
    server.store.before = (operation) => {
      if (operation !== 'save') return;
      saving.open();
      return saved.opened;
    };
    goOn.open();
    for (const headers of [[cookie], []]) {
      const client = await RawClient.open(server.url);
      client.request('/slow', headers);
      await saving.opened;
      client.destroy();
      await closed.opened;
    }
    saved.open();
    await eventually('everything is released', () => liveSessionCount(server.app) === 0);
    server.store.before = () => undefined;
    expect((await RawClient.exchange(server.url, '/peek', [cookie])).body).toBe('n=3');
  });

  it('while its session is loaded leaves no live session behind', async () => {
    const [loading, loaded] = [new Latch(), new Latch()];
    server.store.before = () => {
      loading.open();
      return loaded.opened;
    };
    const client = await RawClient.open(server.url);
    client.request('/count', [cookie]);
    await loading.opened;
    const connections = (): Promise<number> =>
      new Promise((resolve) => {
        const http = server.app.getHttpServer() as {
          getConnections(done: (error: unknown, count: number) => void): void;
        };
        http.getConnections((_, count) => resolve(count));
      });
    client.destroy();
    while ((await connections()) > 0) await setImmediate();
    // The socket is closed; its close event comes in this turn.
    await setImmediate();
    loaded.open();
    await eventually('everything is released', () => liveSessionCount(server.app) === 0);
    server.store.before = () => undefined;
    expect((await RawClient.exchange(server.url, '/peek', [cookie])).body).toBe('n=1');
  });

  it('equals an interceptor that gives the handler up: its changes are stored, later ones are refused', async () => {
    const response = await RawClient.exchange(server.url, '/impatient', [cookie]);
    expect(response.status).toBe(500);
    goOn.open();
    await eventually('everything is released', () => runs.handled === 1 && liveSessionCount(server.app) === 0);
    expect((await RawClient.exchange(server.url, '/peek', [cookie])).body).toBe('n=2');
  });
});
