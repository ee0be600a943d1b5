import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Logger, SetMetadata, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import {
  HttpSession,
  SessionContext,
  type SessionHandle,
  SessionModule,
  SkipSession,
  UseSession,
} from 'nestjs-session-beans';
import { Counter } from '../support/counter.js';
import { startApplication } from '../support/platforms.js';

/** As the decorators of @nestjs/websockets, @nestjs/schedule, @nestjs/bullmq, @nestjs/bull and nest-commander. */
const SubscribeMessage = (): MethodDecorator => SetMetadata('websockets:message_mapping', true);
const Cron = (): MethodDecorator => SetMetadata('SCHEDULER_TYPE', 1);
const Process = (): MethodDecorator => SetMetadata('bull:module_queue_process', {});
const Processor = (): ClassDecorator => SetMetadata('bullmq:processor_metadata', {});
const Command = (): ClassDecorator => SetMetadata('CommandBuilder:Command:Meta', {});

/** Its callers have opened the session, or not. */
@Injectable()
class CartService {
  constructor(readonly counter: Counter) {}
}

@Injectable()
class Plain {}

/** Opens a session itself. */
@Injectable()
class Opener {
  constructor(
    readonly sessions: SessionContext,
    readonly cart: CartService,
  ) {}
}

let warnings: string[];
beforeEach(() => {
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((text: string) => {
    warnings.push(...text.split('\n').filter((line) => line.startsWith('- no-session-outside')));
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

async function boot(...providers: Type[]): Promise<readonly string[]> {
  const server = await startApplication({
    adapter: 'express',
    beans: [Counter],
    providers: [CartService, Opener, Plain, ...providers],
  });
  await server.close();
  return warnings;
}

function named(name: string, caller: string, more = ''): unknown[] {
  return [expect.stringMatching(`: ${name} depends on .*, and is called by ${caller}, .*\\. ${more}`)];
}

/** A class with one method that is called from outside. */
function calledFromOutside(dependency: unknown, ...decorators: readonly MethodDecorator[]): Type {
  @Injectable()
  class Worker {
    work(): void {}
  }
  Inject(dependency as Type)(Worker, undefined, 0);
  const method = Object.getOwnPropertyDescriptor(Worker.prototype, 'work') as PropertyDescriptor;
  for (const decorate of decorators) decorate(Worker.prototype, 'work', method);
  return Worker;
}

function calledAsClass(dependency: unknown, ...decorators: readonly ClassDecorator[]): Type {
  const type = calledFromOutside(dependency);
  for (const decorate of decorators) decorate(type);
  return type;
}

describe('code that is called outside of requests, and depends on a session that nothing opens, is named at boot:', () => {
  it.each<[string, MethodDecorator, string]>([
    ['a timer', Cron(), 'Inject SessionContext and call'],
    ['jobs of a queue', Process(), 'Inject SessionContext'],
    ['messages of a microservice', MessagePattern('work'), 'Inject SessionContext'],
    ['messages of sockets', SubscribeMessage(), 'Put @UseSession\\(\\) on it'],
  ])('%s', async (caller, decorate, line) => {
    expect(await boot(calledFromOutside(Counter, decorate))).toEqual(named('Worker.work', caller, line));
    warnings = [];
    expect(await boot(calledFromOutside(HttpSession, decorate))).toEqual(named('Worker.work', caller));
    warnings = [];
    expect(await boot(calledFromOutside(CartService, decorate))).toEqual(named('Worker.work', caller));
  });

  it.each<[string, ClassDecorator]>([
    ['jobs of a queue', Processor()],
    ['a command', Command()],
  ])('%s', async (caller, decorate) => {
    expect(await boot(calledAsClass(CartService, decorate))).toEqual(named('Worker', caller));
  });

  it('also where @UseSession() is on it, which opens none there', async () => {
    const marked = calledFromOutside(Counter, Cron(), UseSession());
    expect(await boot(marked)).toEqual(named('Worker.work', 'a timer'));
  });

  it('a handler of messages in a controller, beside its routes', async () => {
    @Controller()
    class MixedController {
      constructor(readonly cart: CartService) {}

      @Get() show(): number {
        return this.cart.counter.value;
      }

      @MessagePattern('sum') sum(): number {
        return 1;
      }
    }
    const server = await startApplication({
      adapter: 'fastify',
      beans: [Counter],
      controllers: [MixedController],
      providers: [CartService],
    });
    await server.close();
    expect(warnings).toEqual(named('MixedController.sum', 'messages of a microservice'));
  });

  it('in an application without HTTP', async () => {
    const worker = calledAsClass(Counter, Processor());
    const module = {
      module: class WorkerModule {},
      imports: [SessionModule.forRoot(), SessionModule.forFeature([Counter])],
      providers: [worker],
    };
    const app = await NestFactory.createApplicationContext(module, { logger: false });
    await app.close();
    expect(warnings).toEqual(named('Worker', 'jobs of a queue'));
  });
});

describe('nothing is said of code', () => {
  it('that can open a session, itself or through a dependency', async () => {
    expect(await boot(calledFromOutside(Opener, Cron()), calledAsClass(Opener, Processor()))).toEqual([]);
    @Injectable()
    class Reminders {
      constructor(
        private readonly sessions: SessionContext,
        private readonly cart: CartService,
      ) {}

      @Cron() remind(): Promise<number> {
        return this.sessions.run('' as SessionHandle, () => this.cart.counter.value);
      }
    }
    expect(await boot(Reminders)).toEqual([]);
  });

  it('that says of itself that it uses none', async () => {
    const onClass = calledFromOutside(Counter, Cron());
    SkipSession()(onClass);
    const processor = calledAsClass(Counter, Processor(), SkipSession());
    expect(await boot(calledFromOutside(Counter, Cron(), SkipSession()), processor, onClass)).toEqual([]);
  });

  it('that needs no session, or is called by other code', async () => {
    const OnEvent = (): MethodDecorator => SetMetadata('EVENT_LISTENER_METADATA', [{}]);
    const QueryHandler = (): ClassDecorator => SetMetadata('__queryHandler__', {});
    expect(
      await boot(
        calledFromOutside(Plain, Cron()),
        calledFromOutside(Counter, OnEvent()),
        calledAsClass(Counter, QueryHandler()),
      ),
    ).toEqual([]);
  });
});
