import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import { Controller, Inject, type INestApplication, Logger, type Type } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { type ClientProxy, ClientsModule, EventPattern, Transport } from '@nestjs/microservices';
import { Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import type { Queue } from 'bullmq';
import { SessionContext, type SessionHandle } from 'nestjs-session-beans';
import { createTestSession } from 'nestjs-session-beans/testing';
import { firstValueFrom } from 'rxjs';
import request from 'supertest';
import { ExampleFolder } from '../../docs/example-folder.js';
import { FixtureBuild } from '../../external/fixture-build.js';
import { CountingStore } from '../../support/counting-store.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/free-port.js';
import { type TestApplication, startApplication } from '../../support/platforms.js';
import { RedisServer } from '../../support/redis-server.js';
import { readyRedisStore } from '../../support/redis-stores.js';

// The recipes of `docs/jobs.md`, with a real Redis: its text is what runs here. The sessions are those of two servers,
// of which one has the jobs and the other has the requests.

const examples = new ExampleFolder('docs/jobs.md', 'test/compat/integrations');

interface Beans {
  readonly Inbox: Type<{ messages: string[] }>;
  readonly Points: Type<{ total: number }>;
}

const beans = await examples.import<Beans>('beans.ts');
const reports = await examples.import<Record<'ReportController' | 'ReportProcessor', Type>>('reports.ts');
const { Reminders } =
  await examples.import<Record<'Reminders', Type<{ handles: Set<string>; remind(): unknown }>>>('reminders.ts');
const orders = await examples.import<Record<'OrderController' | 'OrderSagas' | 'GivePointsHandler', Type>>('orders.ts');
const { PaymentController } = await examples.import<Record<'PaymentController', Type>>('payments.ts');

let redis: RedisServer;
let web: TestApplication;
let worker: TestApplication;
let port: number;

async function server(controllers: Type[], providers: Type[], prepare?: (app: INestApplication) => void) {
  return startApplication({
    adapter: 'express',
    store: new CountingStore(await readyRedisStore({ url: redis.url, prefix: undefined })),
    beans: [beans.Inbox, beans.Points],
    imports: [
      BullModule.forRoot({ connection: { url: redis.url } }),
      BullModule.registerQueue({ name: 'reports' }),
      CqrsModule.forRoot(),
      ScheduleModule.forRoot(),
      ClientsModule.register([{ name: 'payments', transport: Transport.TCP, options: { port } }]),
    ],
    controllers,
    providers,
    ...(prepare && { prepare }),
  });
}

beforeAll(async () => {
  redis = await RedisServer.start();
  port = await freePort();
  web = await server([reports.ReportController, orders.OrderController], [orders.OrderSagas, orders.GivePointsHandler]);
  worker = await server([PaymentController], [reports.ReportProcessor, Reminders], (app) => {
    app.connectMicroservice({ transport: Transport.TCP, options: { port } });
  });
  await worker.app.startAllMicroservices();
});
afterAll(async () => {
  await worker?.close();
  await web?.close();
  await redis?.stop();
  examples.remove();
});

let handle: SessionHandle;
let cookie: string;
beforeEach(async () => {
  ({ handle, cookie } = await createTestSession(web.app, { principal: 'ann' }));
});

const agent = () => request(web.url);
const inbox = async (): Promise<unknown> => (await agent().get('/reports').set('Cookie', cookie)).body as unknown;
const points = (): Promise<number> =>
  web.app.get(SessionContext).run(handle, () => web.app.get<{ total: number }>(beans.Points).total);
const logOut = (): Promise<void> => web.app.get(SessionContext).run(handle, (session) => session.logout());

it('names classes at boot that are called so and have no SessionContext, and none of the recipes', async () => {
  @Processor('reports', { autorun: false })
  class BlindProcessor extends WorkerHost {
    @Inject(beans.Inbox) readonly inbox!: object;

    process(): Promise<void> {
      return Promise.resolve();
    }
  }
  class BlindTimers {
    @Inject(beans.Inbox) readonly inbox!: object;

    @Interval(3_600_000) hourly(): void {}

    @Timeout(3_600_000) later(): void {}
  }
  @Controller()
  class BlindController {
    @Inject(beans.Inbox) readonly inbox!: object;

    @EventPattern('event') onEvent(_data: unknown): void {}
  }
  const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  const recipes = [reports.ReportProcessor, Reminders, orders.OrderSagas, orders.GivePointsHandler];
  const blind = await server([PaymentController, BlindController], [...recipes, BlindProcessor, BlindTimers]);
  await blind.close();
  const lines = warned.mock.calls.flatMap(([text]) => String(text).split('\n- no-session-outside (medium): ').slice(1));
  warned.mockRestore();
  expect(lines.map((line) => line.split(' ', 1)[0])).toEqual([
    'BlindController.onEvent',
    'BlindProcessor',
    'BlindTimers.hourly',
    'BlindTimers.later',
  ]);
});

describe('a processor of @nestjs/bullmq', () => {
  const queue = (): Queue => web.app.get<Queue>(getQueueToken('reports'));

  it('works with the session of the user who ordered the job', async () => {
    await agent().post('/reports/sales').set('Cookie', cookie).expect(201);
    await eventually('the report is there', async () => ((await inbox()) as string[]).length > 0);
    expect(await inbox()).toEqual(['sales is ready']);
  });

  it('works with a session that the order has started', async () => {
    const client = request.agent(web.url);
    await client.post('/reports/sales').expect(201);
    const read = async (): Promise<string[]> => (await client.get('/reports')).body as string[];
    await eventually('the report is there', async () => (await read()).length > 0);
    expect(await read()).toEqual(['sales is ready']);
  });

  it('gives up at once when the user has logged out', async () => {
    await queue().pause();
    await agent().post('/reports/late').set('Cookie', cookie).expect(201);
    await logOut();
    await queue().resume();
    const [job] = await eventually('the job has failed', async () => {
      const failed = await queue().getFailed();
      return failed.length > 0 && failed;
    });
    expect([job?.data, job?.attemptsMade, job?.failedReason]).toEqual([
      { handle, report: 'late' },
      1,
      expect.stringMatching(/session/),
    ]);
  });
});

it('a job of @nestjs/schedule visits the sessions that live, and forgets those that have ended', async () => {
  const reminders = worker.app.get(Reminders);
  const { handle: other } = await createTestSession(web.app);
  await worker.app.get(SessionContext).run(other, (session) => session.invalidate());
  reminders.handles.add(other).add(handle);
  await worker.app.get(SchedulerRegistry).getCronJob('reminders').fireOnTick();
  await eventually('it is reminded', async () => ((await inbox()) as string[]).length > 0);
  expect(await inbox()).toEqual(['your cart is waiting']);
  expect([...reminders.handles]).toEqual([handle]);
});

it('a saga of @nestjs/cqrs has a command work with the session of the event', async () => {
  for (let n = 0; n < 3; n++) await agent().post('/orders').set('Cookie', cookie).expect(201);
  expect(await eventually('the points are there', async () => (await points()) === 30)).toBe(true);
});

describe('a message of a microservice', () => {
  const send = (message: object): Promise<unknown> => {
    const client = web.app.get<ClientProxy>('payments');
    return firstValueFrom(client.send('payment.received', message));
  };

  it('works with the session that it names, and is answered when that is stored', async () => {
    const sums = await Promise.all([1, 2, 3].map((amount) => send({ handle, amount })));
    expect(sums).toHaveLength(3);
    expect(await points()).toBe(6);
  });

  it('is answered with an error when the session has ended', async () => {
    await logOut();
    await expect(send({ handle, amount: 1 })).rejects.toMatchObject({ status: 'error' });
  });
});

describe('a command of nest-commander', () => {
  let build: FixtureBuild;
  beforeAll(() => {
    build = new FixtureBuild(examples.path);
  });
  afterAll(() => build.remove());

  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [build.main, ...args], { env: { ...process.env, REDIS_URL: redis.url } });

  it('works with the session, and ends by itself', async () => {
    await run('give', handle, '5');
    expect(await points()).toBe(5);
  });

  it('says so when the session has ended', async () => {
    await logOut();
    await expect(run('give', handle, '5')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('session'),
    });
  });
});
