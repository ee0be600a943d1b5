import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import { Redis } from 'ioredis';
import { HttpSession, SessionLock } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { Counter } from '../support/counter.js';
import { CountingStore } from '../support/counting-store.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';

const running = { now: 0, most: 0 };
let entered = new Latch();
let goOn = new Latch();

@Controller()
class PaymentController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('count') count(): number {
    return ++this.counter.value;
  }

  @SessionLock({ waitMs: 30_000 })
  @Get('locked')
  async locked(): Promise<number> {
    running.most = Math.max(running.most, ++running.now);
    const { value } = this.counter;
    await pause(Math.random() * 3);
    running.now--;
    return (this.counter.value = value + 1);
  }

  @Get('exclusive')
  async exclusive(): Promise<number> {
    return this.session.runExclusive(async () => {
      entered.open();
      await goOn.opened;
      return ++this.counter.value;
    });
  }
}

describe('the lock of a session, on two servers with one Redis,', () => {
  let redis: RedisServer;
  let commands: Redis;
  let servers: TestApplication[];
  let client: Client;
  beforeAll(async () => {
    redis = await RedisServer.start();
    commands = new Redis(redis.url);
    servers = await Promise.all(
      [1, 2].map(async () =>
        startApplication({
          adapter: 'express',
          beans: [Counter],
          controllers: [PaymentController],
          store: new CountingStore(await readyRedisStore({ url: redis.url })),
        }),
      ),
    );
    client = new Client();
    await get(0, '/count');
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    commands.disconnect();
    await redis.stop();
  });
  const get = async (server: number, path: string): Promise<string | number> => {
    const response = await client.get(`${servers[server]?.url}${path}`);
    return response.ok ? response.text : response.status;
  };

  it('lets handlers on both servers run one at a time, each with the state that the last one stored', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => get(i % 2, '/locked')));
    expect(answers.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 2));
    expect(running.most).toBe(1);
    expect(await commands.keys('*:lock')).toEqual([]);
  });

  it('is fenced: changes under a lost lock are refused, and none of them is stored', async () => {
    [entered, goOn] = [new Latch(), new Latch()];
    const before = await get(1, '/count');
    const exclusive = get(0, '/exclusive');
    await entered.opened;
    const [lock = ''] = await commands.keys('*:lock');
    await commands.set(lock, 'of somebody else');
    goOn.open();
    expect(await exclusive).toBe(503);
    await commands.del(lock);
    expect(await get(1, '/count')).toBe(`${Number(before) + 1}`);
  });
});
