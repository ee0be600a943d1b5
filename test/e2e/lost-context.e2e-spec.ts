import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  type INestApplication,
  Inject,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type NestInterceptor,
  NotFoundException,
  type PipeTransform,
  Post,
  Query,
  Scope,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { HttpSession, SessionScoped } from 'nestjs-session-beans';
import { type Observable, tap } from 'rxjs';
import { Client } from '../support/client.js';
import { type AdapterName, type TestApplication, adapters, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'trail' })
class Trail {
  steps: string[] = [];
}

/** A driver that calls back from a timer of its own, which was there before all requests. */
class Driver {
  private readonly waiting: (() => void)[] = [];
  private readonly timer = setInterval(() => this.waiting.splice(0).forEach((callback) => callback()), 1);

  query(callback: () => void): void {
    this.waiting.push(callback);
  }

  close(): void {
    clearInterval(this.timer);
  }
}

let driver: Driver;

@Injectable()
class StepGuard implements CanActivate {
  constructor(private readonly trail: Trail) {}

  canActivate(): boolean {
    this.trail.steps.push('guard');
    return true;
  }
}

@Injectable()
class StepPipe implements PipeTransform {
  constructor(private readonly trail: Trail) {}

  transform(value: unknown): unknown {
    this.trail.steps.push('pipe');
    return value;
  }
}

@Injectable()
class StepInterceptor implements NestInterceptor {
  constructor(private readonly trail: Trail) {}

  intercept(_: unknown, next: CallHandler): Observable<unknown> {
    this.trail.steps.push('interceptor');
    return next.handle().pipe(tap(() => this.trail.steps.push('interceptor again')));
  }
}

@Controller('plain')
class PlainController {
  @Inject() private readonly trail!: Trail;

  @Post() post(): void {
    this.trail.steps.push('handler');
  }

  @Get() get(): readonly string[] {
    return this.trail.steps;
  }

  @Get('missing') missing(): never {
    throw new NotFoundException();
  }
}

@Controller('everything')
class EverythingController {
  @Inject() private readonly trail!: Trail;

  @UseGuards(StepGuard)
  @UseInterceptors(StepInterceptor)
  @Post()
  post(@Query(StepPipe) _query: unknown): void {
    this.trail.steps.push('handler');
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  @Inject() private readonly trail!: Trail;

  @Post() post(): void {
    this.trail.steps.push('handler');
  }
}

interface FrameworkResponse {
  status(code: number): { send(body: object): void };
}

/** An error page that greets the user. */
@Catch(HttpException)
class ErrorPage implements ExceptionFilter {
  constructor(
    private readonly session: HttpSession,
    private readonly trail: Trail,
  ) {}

  catch(exception: HttpException, host: ArgumentsHost): void {
    const status = exception.getStatus();
    const steps = this.session.exists ? this.trail.steps.length : 'unknown';
    host.switchToHttp().getResponse<FrameworkResponse>().status(status).send({ status, steps });
  }
}

type Next = () => void;

/** Middleware that goes on from elsewhere. That of a module runs after ours. */
@Module({})
class LosingModule {
  static way: (request: IncomingMessage, next: Next) => void;

  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply((request: IncomingMessage, _response: unknown, next: Next) => LosingModule.way(request, next))
      .forRoutes('*path');
  }
}

interface Loss {
  readonly on: readonly AdapterName[];
  readonly middleware?: (request: IncomingMessage, next: Next) => void;
  readonly prepare?: (app: INestApplication) => void;
}

/** Ways in which something between our middleware and the route loses the context. */
const LOSSES: Readonly<Record<string, Loss>> = {
  'middleware that goes on in a callback of a driver': {
    on: ['express', 'fastify'],
    middleware: (_, next) => driver.query(next),
  },
  'a preHandler hook whose done comes from a driver': {
    on: ['fastify'],
    prepare: (app) => {
      const fastify = (app.getHttpAdapter() as FastifyAdapter).getInstance();
      fastify.addHook('preHandler', (_request, _reply, done) => driver.query(done));
    },
  },
};

const cases = adapters.flatMap(({ adapter }) =>
  Object.entries(LOSSES)
    .filter(([, { on }]) => on.includes(adapter))
    .map(([loss, { prepare, middleware }]) => ({ adapter, loss, prepare, middleware })),
);

describe.each(cases)('B3 after $loss, $adapter,', ({ adapter, prepare, middleware }) => {
  let server: TestApplication;
  let client: Client;
  beforeAll(() => void (driver = new Driver()));
  afterAll(() => driver.close());
  beforeEach(async () => {
    LosingModule.way = middleware ?? ((_, next) => next());
    server = await startApplication({
      adapter,
      beans: [Trail],
      imports: [LosingModule],
      controllers: [PlainController, EverythingController, ScopedController],
      providers: [{ provide: APP_FILTER, useClass: ErrorPage }],
      ...(prepare && { prepare }),
    });
    client = new Client(server.app);
  });
  afterEach(() => server.close());

  it.each([
    ['/plain', ['handler']],
    ['/everything', ['guard', 'interceptor', 'pipe', 'handler', 'interceptor again']],
    ['/scoped', ['handler']],
  ])('the session is found wherever code of %s runs', async (path, steps) => {
    expect((await client.post(path)).status).toBe(201);
    expect((await client.get('/plain')).body).toEqual(steps);
  });

  it('is found in an exception filter, and requests of two users never meet', async () => {
    const other = new Client(server.app);
    await client.post('/plain');
    const answers = await Promise.all([client.get('/plain/missing'), other.get('/plain/missing')]);
    expect(answers.map(({ body }) => body as object)).toEqual([
      { status: 404, steps: 1 },
      { status: 404, steps: 'unknown' },
    ]);
  });
});

describe.each(adapters)('B4 an exception filter that asks for the session, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let client: Client;
  beforeEach(async () => {
    server = await startApplication({
      adapter,
      beans: [Trail],
      controllers: [PlainController],
      providers: [{ provide: APP_FILTER, useClass: ErrorPage }],
    });
    client = new Client(server.app);
    await client.post('/plain');
  });
  afterEach(() => server.close());

  it('is told that there is none where no route was reached', async () => {
    expect((await client.get('/nowhere')).body).toEqual({ status: 404, steps: 'unknown' });
  });

  it('is told that there is none where the body cannot be read', async () => {
    const malformed = client.agent.post('/plain').set('Content-Type', 'application/json').send('{"a"');
    expect((await malformed).body).toEqual({ status: 400, steps: 'unknown' });
  });

  it('is told that there is none where the store is down', async () => {
    server.store.before = () => {
      throw new Error('down');
    };
    expect((await client.get('/plain')).body).toEqual({ status: 503, steps: 'unknown' });
  });
});

/** It does not ask whether there is a session. */
@Catch(HttpException)
class CarelessPage implements ExceptionFilter {
  constructor(private readonly trail: Trail) {}

  catch(exception: HttpException, host: ArgumentsHost): void {
    const status = exception.getStatus();
    host.switchToHttp().getResponse<FrameworkResponse>().status(status).send({ status, steps: this.trail.steps });
  }
}

describe.each(adapters)(
  'B4 an exception filter that uses a bean though the store is down, $adapter,',
  ({ adapter }) => {
    it('is given the error of the store: the answer stays 503', async () => {
      const server = await startApplication({
        adapter,
        beans: [Trail],
        controllers: [PlainController],
        providers: [{ provide: APP_FILTER, useClass: CarelessPage }],
      });
      const client = new Client(server.app);
      await client.post('/plain');
      server.store.before = () => {
        throw new Error('ECONNREFUSED 10.0.0.1');
      };
      const answer = await client.get('/plain');
      expect(answer.status).toBe(503);
      expect(answer.text).not.toContain('10.0.0.1');
      await server.close();
    });
  },
);
