import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  applyDecorators,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  type NestInterceptor,
  Param,
  type PipeTransform,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  forwardRef,
} from '@nestjs/common';
import { CurrentSession, HttpSession, SessionScoped, SkipSession, UseSession } from 'nestjs-session-beans';
import type { Observable } from 'rxjs';
import { Client, setCookies } from '../support/client.js';
import { nestIsAtLeast } from '../support/nest-release.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';

@SessionScoped()
class Counter {
  value = 0;
}

@Injectable()
class Level3 {
  @Inject() readonly counter!: Counter;
}

@Injectable()
class Level2 {
  constructor(readonly next: Level3) {}
}

@Injectable()
class Level1 {
  constructor(readonly next: Level2) {}
}

@Injectable({ scope: Scope.TRANSIENT })
class TransientService {
  constructor(readonly counter: Counter) {}
}

@Injectable({ scope: Scope.REQUEST })
class RequestService {
  constructor(readonly counter: Counter) {}
}

// Each of the circle leads to the bean, whoever is asked first.
@Injectable()
class CircleA {
  constructor(
    @Inject(forwardRef(() => CircleB)) readonly b: unknown,
    readonly counter: Counter,
  ) {}
}

@Injectable()
class CircleB {
  constructor(@Inject(forwardRef(() => CircleA)) readonly a: unknown) {}
}

@Injectable()
class LonelyA {
  constructor(@Inject(forwardRef(() => LonelyB)) readonly b: unknown) {}
}

@Injectable()
class LonelyB {
  constructor(@Inject(forwardRef(() => LonelyA)) readonly a: unknown) {}
}

@Injectable()
class BeanEnhancer implements CanActivate, NestInterceptor, PipeTransform {
  constructor(readonly counter: Counter) {}

  canActivate(): boolean {
    return true;
  }

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }

  transform(value: unknown): unknown {
    return value;
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestGuard implements CanActivate {
  constructor(readonly level1: Level1) {}

  canActivate(): boolean {
    return true;
  }
}

@Injectable()
class PlainEnhancer implements CanActivate, NestInterceptor, PipeTransform {
  canActivate(): boolean {
    return true;
  }

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }

  transform(value: unknown): unknown {
    return value;
  }
}

@Catch(RangeError)
class BeanFilter implements ExceptionFilter {
  constructor(readonly counter: Counter) {}

  catch(error: unknown): void {
    throw error;
  }
}

const dependencies = {
  direct: Counter,
  session: HttpSession,
  'three-levels': Level1,
  'circle-a': CircleA,
  'circle-b': CircleB,
  transient: TransientService,
  request: RequestService,
  existing: 'existing',
  factory: 'factory',
  'nothing/lonely-a': LonelyA,
  'nothing/lonely-b': LonelyB,
};

const dependent = Object.entries(dependencies).map(([path, token]) => {
  @Controller(path)
  class DependentController {
    constructor(@Inject(token) readonly dependency: unknown) {}

    @Get()
    get(): string {
      return path;
    }

    @SkipSession()
    @Get('skipped')
    skipped(): string {
      return path;
    }
  }
  return DependentController;
});

/** A decorator that replaces the method, as many do, without a thought for metadata. */
const Wrapped = (): MethodDecorator => (_prototype, _key, descriptor) => {
  const method = descriptor.value as unknown as (...args: unknown[]) => unknown;
  descriptor.value = function (this: unknown, ...args: unknown[]) {
    return method.apply(this, args);
  } as never;
};

const Route = (path: string): MethodDecorator => applyDecorators(Get(path));

@Controller()
class MethodsController {
  @Route('nothing/plain')
  plain(): string {
    return '';
  }

  @UseGuards(PlainEnhancer)
  @UseInterceptors(PlainEnhancer)
  @UsePipes(PlainEnhancer)
  @Route('nothing/enhanced/:id')
  enhanced(@Param('id', PlainEnhancer) id: string): string {
    return id;
  }

  @UseGuards(BeanEnhancer)
  @Route('guard')
  guard(): string {
    return '';
  }

  @UseInterceptors(BeanEnhancer)
  @Route('interceptor')
  interceptor(): string {
    return '';
  }

  @UsePipes(BeanEnhancer)
  @Route('pipe')
  pipe(): string {
    return '';
  }

  @UseFilters(BeanFilter)
  @Route('filter')
  filter(): string {
    return '';
  }

  @UseGuards(RequestGuard)
  @Route('request-guard')
  requestGuard(): string {
    return '';
  }

  @Route('parameter/:id')
  parameter(@Param('id', BeanEnhancer) id: string): string {
    return id;
  }

  @Route('wrapped-parameter/:id')
  @Wrapped()
  wrappedParameter(@Param('id', BeanEnhancer) id: string): string {
    return id;
  }

  @UseSession()
  @Route('used')
  used(): string {
    return '';
  }

  @Route('current')
  current(@CurrentSession() session: HttpSession): string {
    return `${session.exists}`;
  }

  @Route('wrapped-current')
  @Wrapped()
  wrappedCurrent(@CurrentSession() session: HttpSession): string {
    return `${session.exists}`;
  }

  @UseGuards(BeanEnhancer)
  @SkipSession()
  @Route('nothing/skipped')
  skipped(): string {
    return '';
  }
}

@UseGuards(BeanEnhancer)
@Controller('class-guard')
class ClassGuardController {
  @Get()
  get(): string {
    return '';
  }
}

@UseSession()
@Controller('class-used')
class ClassUsedController {
  @Get()
  get(): string {
    return '';
  }

  @SkipSession()
  @Get('nothing')
  nothing(): string {
    return '';
  }
}

@SkipSession()
@Controller('class-skipped')
class ClassSkippedController {
  constructor(readonly counter: Counter) {}

  @Get('nothing')
  nothing(): string {
    return '';
  }

  @UseSession()
  @Get('used')
  used(): string {
    return '';
  }

  @Get('current')
  current(@CurrentSession() session: HttpSession): string {
    return `${session.exists}`;
  }
}

abstract class AbstractController {
  @Get()
  get(): string {
    return '';
  }

  @Get('current')
  current(@CurrentSession() session: HttpSession): string {
    return `${session.exists}`;
  }

  @Get('parameter/:id')
  parameter(@Param('id', BeanEnhancer) id: string): string {
    return id;
  }
}

@Controller('inherited-with')
class InheritedWithController extends AbstractController {
  constructor(readonly counter: Counter) {
    super();
  }
}

@Controller('inherited')
class InheritedController extends AbstractController {}

function shared(): string {
  return '';
}

@Controller('shared-with')
class SharedWithController {
  constructor(readonly counter: Counter) {}
}

@Controller('nothing/shared')
class SharedController {}

for (const type of [SharedWithController, SharedController]) {
  Object.defineProperty(type.prototype, 'shared', { value: shared, configurable: true, writable: true });
}
Get()(SharedController.prototype, 'shared', { value: shared });

const loading = [
  'direct session three-levels circle-a circle-b transient request existing factory',
  'guard interceptor pipe filter request-guard parameter/1 wrapped-parameter/1 used current wrapped-current',
  'class-guard class-used class-skipped/used class-skipped/current',
  'inherited-with inherited-with/current inherited/current inherited/parameter/1 shared-with',
].flatMap((line) => line.split(' '));

const notLoading = 'nothing/lonely-a nothing/lonely-b nothing/shared class-used/nothing'.split(' ');

/**
 * Request-scoped beans are built for every handler of a controller that has one which needs them, before Nest looks at
 * the handler.
 */
const notLoadingProxies = [
  'nothing/plain nothing/enhanced/1 inherited',
  'nothing/skipped direct/skipped three-levels/skipped request/skipped class-skipped/nothing',
].flatMap((line) => line.split(' '));

describe.each(platforms)('R26 a session is loaded once, $adapter, $mode,', ({ adapter, scope }) => {
  let server: TestApplication;
  let client: Client;
  beforeAll(async () => {
    const providers = [
      Level1,
      Level2,
      Level3,
      CircleB,
      CircleA,
      LonelyA,
      LonelyB,
      TransientService,
      RequestService,
      { provide: 'existing', useExisting: Level1 },
      { provide: 'factory', inject: [Level2], useFactory: (level2: Level2) => ({ level2 }) },
    ];
    const controllers = [
      ...dependent,
      MethodsController,
      ClassGuardController,
      ClassUsedController,
      ClassSkippedController,
      InheritedWithController,
      InheritedController,
      SharedWithController,
      SharedController,
      StartController,
    ];
    server = await startApplication({ adapter, scope, beans: [Counter], controllers, providers });
    client = new Client(server.app);
  });
  afterAll(() => server.close());

  // Before 11.1.11, Nest builds a request-scoped provider behind a circle a second time, without its request.
  const circlesWork = scope !== Scope.REQUEST || nestIsAtLeast('11.1.11');
  it.each(loading.filter((path) => circlesWork || path !== 'circle-b'))('for /%s', async (path) => {
    await client.text('/start');
    server.store.reset();
    expect((await client.get(`/${path}`)).status).toBe(200);
    expect(server.store.calls).toEqual({ load: 1, save: 0, touch: 0, destroy: 0 });
  });

  it.each(scope === Scope.REQUEST ? notLoading : [...notLoading, ...notLoadingProxies])(
    'and never for /%s',
    async (path) => {
      await client.text('/start');
      server.store.reset();
      server.store.before = () => {
        throw new Error('down');
      };
      const response = await client.get(`/${path}`);
      server.store.before = () => undefined;
      expect(response.status).toBe(200);
      expect(setCookies(response)).toEqual([]);
      expect(server.store.total).toBe(0);
    },
  );
});

@Controller('start')
class StartController {
  constructor(private readonly counter: Counter) {}

  @Get()
  start(): number {
    return ++this.counter.value;
  }
}
