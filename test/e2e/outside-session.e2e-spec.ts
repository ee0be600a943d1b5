import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type NestMiddleware,
  type OnModuleInit,
  Param,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import {
  HttpSession,
  SessionContextNotActiveError,
  SessionModule,
  SessionResponseCommittedError,
  SessionScoped,
  SkipSession,
  UseSession,
} from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@SessionScoped()
class Counter {
  value = 0;
}

function errorOf(use: () => unknown): Error {
  try {
    use();
  } catch (error) {
    return error as Error;
  }
  throw new Error('there was no error');
}

let atBoot: Error | undefined;
let inMiddleware: Error | undefined;
let afterResponse: Promise<{ error: Error; session: Error }> | undefined;

@Injectable()
class BootService implements OnModuleInit {
  constructor(readonly counter: Counter) {}

  onModuleInit(): void {
    atBoot = errorOf(() => this.counter.value);
  }
}

@Injectable()
class CountingMiddleware implements NestMiddleware {
  constructor(private readonly counter: Counter) {}

  use(_request: unknown, _response: unknown, next: () => void): void {
    inMiddleware = errorOf(() => this.counter.value++);
    next();
  }
}

@Module({ imports: [SessionModule.forFeature([Counter])], providers: [BootService] })
class CountingModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(CountingMiddleware).forRoutes('*path');
  }
}

@SkipSession()
@Controller('skipped')
class SkippedController {
  constructor(private readonly counter: Counter) {}

  @Get()
  use(): string {
    return errorOf(() => this.counter.value).message;
  }
}

@Controller()
class UnwiredController {
  constructor(private readonly modules: ModuleRef) {}

  @Get('unwired')
  unwired(): string {
    return errorOf(() => this.modules.get(Counter, { strict: false }).value).message;
  }

  @Get('unwired/session')
  session(): string {
    const session = this.modules.get(HttpSession, { strict: false });
    return `${session.exists} ${errorOf(() => session.principal).message}`;
  }

  @Get('uncaught')
  uncaught(): number {
    return this.modules.get(Counter, { strict: false }).value;
  }

  @UseSession()
  @Get('after/:kind')
  after(@Param('kind') kind: string): string {
    const counter = this.modules.get(Counter, { strict: false });
    const session = this.modules.get(HttpSession, { strict: false });
    if (kind === 'stored') counter.value++;
    afterResponse = released.then(() => ({
      error: errorOf(() => counter.value++),
      session: errorOf(() => session.set('late', 1)),
    }));
    return kind;
  }
}

let release: () => void;
let released: Promise<void>;

describe.each(adapters)('J3 R27 a bean outside a session, $adapter', ({ adapter }) => {
  let server: TestApplication;
  beforeEach(async () => {
    released = new Promise((resolve) => (release = resolve));
    server = await startApplication({
      adapter,
      beans: [Counter],
      imports: [CountingModule],
      controllers: [SkippedController, UnwiredController],
    });
  });
  afterEach(() => server.close());

  const elsewhere =
    'Counter.value was used outside a request, for example at boot, in a timer, in a message of a queue or a ' +
    'socket, or in the generator of a subscription, where there is no session: open one with ' +
    'SessionContext.run(). In a callback of a library that calls from elsewhere, wrap the callback with ' +
    'AsyncResource.bind() of node:async_hooks';

  it('at boot', () => {
    expect(atBoot).toBeInstanceOf(SessionContextNotActiveError);
    expect(atBoot?.message).toBe(elsewhere);
  });

  it('in a timer', async () => {
    const { counter } = server.app.get(BootService);
    const error = await new Promise<Error>((resolve) => setImmediate(() => resolve(errorOf(() => counter.value++))));
    expect(error).toBeInstanceOf(SessionContextNotActiveError);
    expect(error.message).toBe(elsewhere);
  });

  it('in middleware, which comes before the session is loaded', async () => {
    await new Client(server.app).text('/unwired');
    expect(inMiddleware).toBeInstanceOf(SessionContextNotActiveError);
    expect(inMiddleware?.message).toBe(
      'Counter.value was used before the session was loaded, which happens right before the guards: in middleware, ' +
        'call await session.load() first. In an exception filter where no route was reached, ask HttpSession.exists',
    );
  });

  it('in a handler with @SkipSession()', async () => {
    expect(await new Client(server.app).text('/skipped')).toMatch(
      /^Counter\.value was used in SkippedController\.use, for which no session was loaded: .*@UseSession\(\)/,
    );
    expect(server.store.total).toBe(0);
  });

  it('in a handler whose dependencies do not lead to it', async () => {
    const expected = (subject: string, handler: string) =>
      `${subject} was used in UnwiredController.${handler}, for which no session was loaded: ` +
      'nothing it depends on leads to a session-scoped bean, or it has @SkipSession(). Inject the bean there, or put ' +
      '@UseSession() on the handler';
    expect(await new Client(server.app).text('/unwired')).toBe(expected('Counter.value', 'unwired'));
    expect(await new Client(server.app).text('/unwired/session')).toBe(
      `false ${expected('HttpSession.principal', 'session')}`,
    );
  });

  it('answers 500 without a word of it', async () => {
    const response = await new Client(server.app).get('/uncaught');
    expect(response.status).toBe(500);
    expect(response.text).not.toContain('Counter');
  });

  it.each(['read', 'stored'])('after the response, when a session was %s', async (kind) => {
    await new Client(server.app).text(`/after/${kind}`);
    release();
    const late = await afterResponse;
    expect(late?.error).toBeInstanceOf(SessionResponseCommittedError);
    expect(late?.error.message).toBe(
      'Counter.value was used after the response was sent: finish the work before the handler returns, ' +
        'or do it in a request of its own',
    );
    expect(late?.session).toBeInstanceOf(SessionResponseCommittedError);
    expect(late?.session.message).toMatch(/^HttpSession\.set was used after the response was sent/);
  });
});
