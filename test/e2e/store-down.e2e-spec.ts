import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Res } from '@nestjs/common';
import { HttpSession, MemorySessionStore } from 'nestjs-session-beans';
import { Counter } from '../support/counter.js';
import { CountingStore } from '../support/counting-store.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

@Controller()
class CountController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('count-send') send(@Res() response: { send(body: string): void }): void {
    response.send(this.count());
  }

  @Get('count-flush') async flush(): Promise<string> {
    const text = this.count();
    await this.session.flush();
    return text;
  }

  @Get('peek') peek(): string {
    return `n=${this.counter.value}`;
  }
}

@Controller()
class PingController {
  @Get('ping') ping(): string {
    return 'pong';
  }
}

describe.each(platforms)('R24 a store that is down, $adapter, $mode', ({ adapter, scope }) => {
  let server: TestApplication;
  let cookie: string;
  beforeEach(async () => {
    const store = new CountingStore(new MemorySessionStore({ maxSessions: 2 }));
    const controllers = [CountController, PingController];
    server = await startApplication({ adapter, scope, beans: [Counter], controllers, store });
    const { cookies } = await RawClient.exchange(server.url, '/count');
    cookie = `Cookie: ${cookies[0]?.split(';')[0]}`;
  });
  afterEach(() => server.close());

  function failOn(...operations: string[]): void {
    server.store.before = (operation) => {
      if (operations.includes(operation)) throw new Error('ECONNREFUSED 10.0.0.1');
    };
  }

  it.each([
    { operation: 'load', path: '/count' },
    { operation: 'load', path: '/peek' },
    { operation: 'load', path: '/count-send' },
    { operation: 'save', path: '/count' },
    { operation: 'save', path: '/count-send' },
    { operation: 'save', path: '/count-flush' },
  ])('is 503 when it cannot $operation for $path, and the session is there afterwards', async ({ operation, path }) => {
    failOn(operation);
    const response = await RawClient.exchange(server.url, path, [cookie]);
    expect(response.status).toBe(503);
    expect(response.cookies).toEqual([]);
    // E9 A save may have been applied: the client is not invited to do it twice.
    const applied = operation === 'save' ? 'unknown' : false;
    expect(response.header('retry-after')).toBe(applied ? undefined : '1');
    const message = 'Service Unavailable';
    expect(JSON.parse(response.body)).toEqual({ statusCode: 503, message, code: 'SESSION_STORE_UNAVAILABLE', applied });

    server.store.before = () => undefined;
    const healed = await RawClient.exchange(server.url, '/count', [cookie]);
    expect(healed).toMatchObject({ status: 200, body: 'n=2', cookies: [] });
  });

  it('starts no session', async () => {
    failOn('save');
    const response = await RawClient.exchange(server.url, '/count');
    expect(response).toMatchObject({ status: 503, cookies: [] });
  });

  it('R26 does not matter to handlers without a session', async () => {
    failOn('load', 'save', 'touch', 'destroy');
    expect(await RawClient.exchange(server.url, '/ping', [cookie])).toMatchObject({ status: 200, body: 'pong' });
  });

  it('R30 refuses new sessions when it is full of those that are in use, and living ones go on', async () => {
    const { cookies } = await RawClient.exchange(server.url, '/count');
    for (const own of [cookie, `Cookie: ${cookies[0]?.split(';')[0]}`]) {
      await RawClient.exchange(server.url, '/peek', [own]);
    }
    const refused = await RawClient.exchange(server.url, '/count');
    expect(refused).toMatchObject({ status: 503, cookies: [] });
    expect(refused.header('retry-after')).toBe('1');
    expect(await RawClient.exchange(server.url, '/count', [cookie])).toMatchObject({ status: 200, body: 'n=2' });
  });
});
