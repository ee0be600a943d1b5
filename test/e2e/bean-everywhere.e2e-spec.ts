import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  Injectable,
  type NestInterceptor,
  Param,
  type PipeTransform,
  type Type,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, HttpAdapterHost } from '@nestjs/core';
import { SessionScoped } from 'nestjs-session-beans';
import { type Observable, tap } from 'rxjs';
import { Client } from '../support/client.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'trail' })
class Trail {
  steps: string[] = [];
}

/** One provider that everything uses. */
@Injectable()
class Walker {
  constructor(private readonly trail: Trail) {}

  step(name: string): void {
    this.trail.steps.push(name);
  }

  path(): string {
    return this.trail.steps.join(' ');
  }
}

function guard(name: string): Type<CanActivate> {
  @Injectable()
  class StepGuard implements CanActivate {
    constructor(private readonly walker: Walker) {}

    canActivate(context: ExecutionContext): boolean {
      if (context.getHandler().name !== 'path') this.walker.step(`${name}-guard`);
      return true;
    }
  }
  return StepGuard;
}

function interceptor(name: string): Type<NestInterceptor> {
  @Injectable()
  class StepInterceptor implements NestInterceptor {
    constructor(private readonly walker: Walker) {}

    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      if (context.getHandler().name === 'path') return next.handle();
      this.walker.step(`${name}-before`);
      return next.handle().pipe(tap(() => this.walker.step(`${name}-after`)));
    }
  }
  return StepInterceptor;
}

function pipe(name: string): Type<PipeTransform> {
  @Injectable()
  class StepPipe implements PipeTransform {
    constructor(private readonly walker: Walker) {}

    transform(value: unknown): unknown {
      this.walker.step(`${name}-pipe`);
      return value;
    }
  }
  return StepPipe;
}

function filter(name: string): Type<ExceptionFilter> & { readonly Caught: new () => Error } {
  class Caught extends Error {}

  @Catch(Caught)
  class StepFilter implements ExceptionFilter {
    static readonly Caught = Caught;

    constructor(
      private readonly walker: Walker,
      private readonly host: HttpAdapterHost,
    ) {}

    catch(_: Error, context: ArgumentsHost): void {
      this.walker.step(`${name}-filter`);
      this.host.httpAdapter.reply(context.getArgByIndex(1), `${name} filter`, 418);
    }
  }
  return StepFilter;
}

const [appGuard, appInterceptor, appPipe, appFilter] = [guard('app'), interceptor('app'), pipe('app'), filter('app')];
const [classFilter, methodFilter] = [filter('class'), filter('method')];
const failures: Record<string, { readonly Caught: new () => Error }> = {
  app: appFilter,
  class: classFilter,
  method: methodFilter,
};

@UseGuards(guard('class'))
@UseInterceptors(interceptor('class'))
@UsePipes(pipe('class'))
@UseFilters(classFilter)
@Controller()
class TrailController {
  constructor(
    private readonly trail: Trail,
    private readonly walker: Walker,
  ) {}

  @UseGuards(guard('method'))
  @UseInterceptors(interceptor('method'))
  @UsePipes(pipe('method'))
  @UseFilters(methodFilter)
  @Get('walk/:where')
  walk(@Param('where', pipe('parameter')) where: string): string {
    this.trail.steps.push('controller');
    this.walker.step('service');
    const failure = failures[where];
    if (failure) throw new failure.Caught();
    return where;
  }

  @Get('path')
  path(): string {
    return this.walker.path();
  }
}

const before =
  'app-guard class-guard method-guard app-before class-before method-before app-pipe class-pipe method-pipe ' +
  'parameter-pipe controller service';

describe.each(platforms)('one bean in all that handles a request, $adapter, $mode', ({ adapter, scope }) => {
  let server: TestApplication;
  beforeEach(async () => {
    const providers = [
      Walker,
      { provide: APP_GUARD, useClass: appGuard, scope },
      { provide: APP_INTERCEPTOR, useClass: appInterceptor, scope },
      { provide: APP_PIPE, useClass: appPipe, scope },
      { provide: APP_FILTER, useClass: appFilter, scope },
    ];
    server = await startApplication({ adapter, scope, beans: [Trail], controllers: [TrailController], providers });
  });
  afterEach(() => server.close());

  it('global, of the class, the method and the parameter, before the handler and after it', async () => {
    const client = new Client(server.app);
    expect(await client.text('/walk/home')).toBe('home');
    expect(await client.text('/path')).toBe(`${before} method-after class-after app-after`);
  });

  it.each(['method', 'class', 'app'])(
    'and in the %s exception filter, with what was done before the error',
    async (level) => {
      const client = new Client(server.app);
      const response = await client.get(`/walk/${level}`);
      expect([response.status, response.text]).toEqual([418, `${level} filter`]);
      expect(await client.text('/path')).toBe(`${before} ${level}-filter`);
    },
  );
});
