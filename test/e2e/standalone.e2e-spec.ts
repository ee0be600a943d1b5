import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  HttpSession,
  SessionBeanError,
  SessionContext,
  type SessionHandle,
  SessionModule,
  SessionScoped,
} from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { RedisServer } from '../support/redis-server.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { type TestApplication, startApplication } from '../support/platforms.js';

@Injectable()
class Prices {
  of(item: string): number {
    return item.length;
  }
}

@SessionScoped({ name: 'bill' })
class Bill {
  sum = 0;

  constructor(private readonly prices: Prices) {}

  add(item: string): void {
    this.sum += this.prices.of(item);
  }
}

@Controller()
class BillController {
  constructor(
    private readonly bill: Bill,
    private readonly session: HttpSession,
  ) {}

  @Post()
  async add(): Promise<object> {
    this.bill.add('tea');
    await this.session.flush();
    return { handle: this.session.handle, sum: this.bill.sum };
  }
}

describe('an application without HTTP', () => {
  let redis: RedisServer;
  let server: TestApplication;
  beforeEach(async () => {
    redis = await RedisServer.start();
    server = await startApplication({
      adapter: 'express',
      beans: [Bill],
      controllers: [BillController],
      providers: [Prices],
      session: { store: await readyRedisStore({ url: redis.url }) },
    });
  });
  afterEach(async () => {
    await server.close();
    await redis.stop();
  });

  it('works in the sessions of those that have it, with beans that have dependencies', async () => {
    const store = await readyRedisStore({ url: redis.url });
    @Module({ imports: [SessionModule.forRoot({ store }), SessionModule.forFeature([Bill])], providers: [Prices] })
    class WorkerModule {}
    const worker = await NestFactory.createApplicationContext(WorkerModule, { logger: false });
    const client = new Client(server.app);
    const { handle } = (await client.post('/')).body as { handle: SessionHandle };
    await worker.get(SessionContext).run(handle, () => worker.get(Bill).add('coffee'));
    await worker.close();
    expect((await client.post('/')).body).toEqual({ handle, sum: 12 });
  });

  it('does not start when a bean lacks a dependency', async () => {
    const store = await readyRedisStore({ url: redis.url });
    @Module({ imports: [SessionModule.forRoot({ store }), SessionModule.forFeature([Bill])] })
    class IncompleteModule {}
    const starting = NestFactory.createApplicationContext(IncompleteModule, { logger: false, abortOnError: false });
    await expect(starting).rejects.toBeInstanceOf(SessionBeanError);
    await store.close();
  });
});
