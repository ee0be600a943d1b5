import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
  Module,
  type NestInterceptor,
  type PipeTransform,
  Scope,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { SessionModule, SessionScoped } from 'nestjs-session-beans';
import type { Observable } from 'rxjs';
import { Client } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@SessionScoped()
class Visits {
  seen: string[] = [];
}

@Injectable()
class Everything implements CanActivate, NestInterceptor, PipeTransform {
  constructor(private readonly visits: Visits) {}

  canActivate(): boolean {
    this.visits.seen.push('guard');
    return true;
  }

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.visits.seen.push('interceptor');
    return next.handle();
  }

  transform(value: unknown): unknown {
    return value;
  }
}

@Catch(RangeError)
class Filter implements ExceptionFilter {
  constructor(readonly visits: Visits) {}

  catch(error: unknown): void {
    throw error;
  }
}

@Module({
  imports: [SessionModule.forFeature([Visits])],
  providers: [Everything, Filter],
  exports: [Everything, Filter],
})
class EnhancersModule {}

@Controller()
class PlainController {
  @Get()
  get(): string {
    return 'plain';
  }
}

const bindings: Record<string, { providers?: object[]; prepare?: (app: INestApplication) => void }> = {
  APP_GUARD: { providers: [{ provide: APP_GUARD, useClass: Everything }] },
  'APP_GUARD useExisting': { providers: [{ provide: APP_GUARD, useExisting: Everything }] },
  'APP_GUARD useFactory': {
    providers: [{ provide: APP_GUARD, inject: [Everything], useFactory: (guard: Everything) => guard }],
  },
  'APP_GUARD request-scoped': { providers: [{ provide: APP_GUARD, useClass: Everything, scope: Scope.REQUEST }] },
  APP_INTERCEPTOR: { providers: [{ provide: APP_INTERCEPTOR, useClass: Everything }] },
  'APP_INTERCEPTOR request-scoped': {
    providers: [{ provide: APP_INTERCEPTOR, useClass: Everything, scope: Scope.REQUEST }],
  },
  APP_PIPE: { providers: [{ provide: APP_PIPE, useClass: Everything }] },
  APP_FILTER: { providers: [{ provide: APP_FILTER, useClass: Filter }] },
  'useGlobalGuards(app.get(X))': { prepare: (app) => app.useGlobalGuards(app.get(Everything)) },
  'useGlobalInterceptors(app.get(X))': { prepare: (app) => app.useGlobalInterceptors(app.get(Everything)) },
  'useGlobalPipes(app.get(X))': { prepare: (app) => app.useGlobalPipes(app.get(Everything)) },
  'useGlobalFilters(app.get(X))': { prepare: (app) => app.useGlobalFilters(app.get(Filter)) },
};

describe.each(adapters)('an enhancer of the whole application that uses a bean, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  afterEach(() => server.close());

  it.each(Object.keys(bindings))('makes every handler load the session: %s', async (name) => {
    const { providers = [], prepare = () => undefined } = bindings[name] ?? {};
    server = await startApplication({
      adapter,
      imports: [EnhancersModule],
      beans: [Visits],
      controllers: [PlainController],
      providers: providers as never,
      prepare,
    });
    const client = new Client(server.app);
    const isWriting = /GUARD|Guard|INTERCEPTOR|Interceptor/.test(name);
    expect(await client.text('/')).toBe('plain');
    expect(server.store.calls.save).toBe(isWriting ? 1 : 0);
    // Without a session of its own, another client's id that stands for nothing has to be looked up.
    server.store.reset();
    await new Client(server.app).get('/', { cookie: `sid=${'A'.repeat(65)}` });
    expect(server.store.calls.load).toBeGreaterThan(0);
  });
});
