import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { SessionScoped } from 'nestjs-session-beans';
import { Client, setCookies } from '../support/client.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'counter' })
class Counter {
  value = 0;
}

let constructed = 0;

@Controller('count')
class CountController {
  constructor(private readonly counter: Counter) {
    constructed++;
  }

  @Get()
  count(): string {
    return `counter=${++this.counter.value}`;
  }

  @Get('peek')
  peek(): string {
    return `counter=${this.counter.value}`;
  }
}

@Controller('ping')
class PingController {
  @Get()
  ping(): string {
    return 'pong';
  }
}

describe.each(platforms)('a session-scoped bean, $adapter, $mode', ({ adapter, scope, mode }) => {
  let server: TestApplication;
  beforeEach(async () => {
    constructed = 0;
    server = await startApplication({
      adapter,
      scope,
      beans: [Counter],
      controllers: [CountController, PingController],
    });
  });
  afterEach(() => server.close());

  it('is one per client and survives requests', async () => {
    const [first, second] = [new Client(server.app), new Client(server.app)];
    expect(await first.text('/count')).toBe('counter=1');
    expect(await first.text('/count')).toBe('counter=2');
    expect(await second.text('/count')).toBe('counter=1');
    expect(await first.text('/count')).toBe('counter=3');
  });

  it('is read without a session being created', async () => {
    const response = await new Client(server.app).get('/count/peek');
    expect(response.text).toBe('counter=0');
    expect(setCookies(response)).toEqual([]);
    expect(server.store.total).toBe(0);
  });

  it('costs a handler that does not need it no store call', async () => {
    const client = new Client(server.app);
    await client.text('/count');
    server.store.reset();
    expect(await client.text('/ping')).toBe('pong');
    expect(server.store.total).toBe(0);
  });

  it('is not written by a request that only reads it', async () => {
    const client = new Client(server.app);
    await client.text('/count');
    server.store.reset();
    for (let i = 0; i < 20; i++) expect(await client.text('/count/peek')).toBe('counter=1');
    expect(server.store.calls).toEqual({ load: 20, save: 0, touch: 0, destroy: 0 });
  });

  it(`has its controller constructed ${mode === 'request scope' ? 'per request' : 'once'}`, async () => {
    const client = new Client(server.app);
    for (let i = 1; i <= 10; i++) expect(await client.text('/count')).toBe(`counter=${i}`);
    expect(constructed).toBe(mode === 'request scope' ? 10 : 1);
  });
});
