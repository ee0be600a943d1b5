import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module, type ModuleMetadata, type Type, Scope } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  MemorySessionStore,
  SessionBeanError,
  SessionConfigurationError,
  SessionModule,
  SessionScoped,
} from 'nestjs-session-beans';

async function boot(metadata: ModuleMetadata): Promise<void> {
  const app = (await Test.createTestingModule(metadata).compile()).createNestApplication({ logger: false });
  try {
    await app.init();
  } finally {
    await app.close();
  }
}

@SessionScoped()
class Counter {}

@Injectable()
class Missing {}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {}

@Injectable({ scope: Scope.TRANSIENT })
class PerInjection {}

@Injectable()
class OnPerRequest {
  constructor(readonly perRequest: PerRequest) {}
}

@SessionScoped()
class Unregistered {}

function beanWanting(token: unknown): Type<object> {
  @SessionScoped()
  class Wanting {
    constructor(@Inject(token as never) readonly wanted: unknown) {}
  }
  return Wanting;
}

@SessionScoped()
class PropertyWanting {
  @Inject() readonly wanted!: Missing;
}

@SessionScoped({ name: 'Counter' })
class Namesake {}

class Undecorated {}

@SessionScoped()
class WithHook {
  onModuleInit(): void {}
}

@Module({ imports: [SessionModule.forRoot({})] })
class SecondRootModule {}

@Controller()
class PlainController {
  @Get()
  get(): string {
    return '';
  }
}

const root = SessionModule.forRoot();
const feature = (...beans: Type<object>[]) => SessionModule.forFeature(beans);
const wanting = (token: unknown) => [root, feature(beanWanting(token))];

const mistakes: Record<string, [ModuleMetadata, RegExp]> = {
  'a bean among plain providers': [
    { imports: [root], providers: [Counter] },
    new RegExp(
      String.raw`^Counter is @SessionScoped\(\) but listed among the providers, controllers or enhancers ` +
        String.raw`of RootTestModule, .*: remove it there and import SessionModule\.forFeature\(\[Counter\]\)$`,
    ),
  ],
  'a bean among plain providers, registered as well': [
    { imports: [root, feature(Counter)], providers: [Counter] },
    /^Counter is @SessionScoped\(\) but listed/,
  ],
  'a bean as class of another provider': [
    { imports: [root], providers: [{ provide: 'counter', useClass: Counter }] },
    /^counter is @SessionScoped\(\) but listed/,
  ],
  'a bean among controllers': [
    { imports: [root], controllers: [Counter] },
    /^Counter is @SessionScoped\(\) but listed/,
  ],
  'two classes with one stored name': [
    { imports: [root, feature(Counter, Namesake)] },
    new RegExp(
      String.raw`^two classes have the stored name 'Counter' \(Counter and Namesake\): ` +
        String.raw`give one of them another with @SessionScoped\(\{ name \}\)$`,
    ),
  ],
  'a class without the decorator': [
    { imports: [root, feature(Undecorated)] },
    /^Undecorated is not session-scoped: decorate the class with @SessionScoped\(\)$/,
  ],
  'a class that extends Map': [
    { imports: [root, feature(SessionScopedMap())] },
    /extends Map, whose content cannot be stored/,
  ],
  'a life-cycle hook of Nest': [
    { imports: [root, feature(WithHook)] },
    /^WithHook\.onModuleInit\(\) would never run: .*onBeanCreated\(\)/,
  ],
  'a missing dependency': [
    { imports: wanting(Missing) },
    new RegExp(
      String.raw`^constructor parameter 0 of Wanting asks for Missing, which no module provides: ` +
        String.raw`add it to the providers of a module, or mark it @Optional\(\)$`,
    ),
  ],
  'a missing dependency by token': [
    { imports: wanting(Symbol('RATE')) },
    /^constructor parameter 0 of Wanting asks for Symbol\(RATE\), which no module provides/,
  ],
  'a missing dependency of a property': [
    { imports: [root, feature(PropertyWanting)] },
    /^property wanted of PropertyWanting asks for Missing, which no module provides/,
  ],
  'a bean as dependency that no module knows': [
    { imports: wanting(Unregistered) },
    new RegExp(
      String.raw`asks for Unregistered, a session-scoped bean that no module knows: ` +
        String.raw`import SessionModule\.forFeature\(\[Unregistered\]\)$`,
    ),
  ],
  'a request-scoped dependency': [
    { imports: wanting(PerRequest), providers: [PerRequest] },
    /asks for PerRequest, which is request-scoped or transient: a bean outlives the request/,
  ],
  'a transient dependency': [
    { imports: wanting(PerInjection), providers: [PerInjection] },
    /asks for PerInjection, which is request-scoped or transient/,
  ],
  'a dependency with a request-scoped one of its own': [
    { imports: wanting(OnPerRequest), providers: [OnPerRequest, PerRequest] },
    /asks for OnPerRequest, which is request-scoped or transient/,
  ],
  'a number for a constructor, which could not be told from state': [
    { imports: wanting('LIMIT'), providers: [{ provide: 'LIMIT', useValue: 7 }] },
    /^constructor parameter 0 of Wanting asks for LIMIT, a number, .*: inject it into a property/,
  ],
};

function SessionScopedMap(): Type<object> {
  @SessionScoped()
  class MapBean extends Map<string, string> {}
  return MapBean;
}

describe('B59 B60 J9 J14 the application does not start with', () => {
  it.each(Object.keys(mistakes))('%s', async (name) => {
    const [metadata, message] = mistakes[name] ?? [{}, /never/];
    const error = await boot(metadata).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(SessionBeanError);
    expect((error as Error).message).toMatch(message);
  });

  it('a list of beans with undefined in it, which is what a circle of imports leaves', () => {
    const register = () => feature(Counter, undefined as never);
    expect(register).toThrow(SessionBeanError);
    expect(register).toThrow(
      /^SessionModule\.forFeature\(\): number 1 of the list is undefined, not a class; files that import each other/,
    );
  });
});

describe('B69 B70 the application does not start with', () => {
  it('forFeature() without forRoot()', async () => {
    for (const scope of [Scope.DEFAULT, Scope.REQUEST] as const) {
      const error = await boot({ imports: [SessionModule.forFeature([Counter], { scope })] }).catch(
        (problem: unknown) => problem,
      );
      expect(error).toBeInstanceOf(SessionConfigurationError);
      expect((error as Error).message).toBe(
        'SessionModule.forFeature() needs SessionModule.forRoot() or forRootAsync() once, ' +
          'in the imports of the root module, of the same copy of the package (npm ls nestjs-session-beans)',
      );
    }
  });

  it('two forRoot()', async () => {
    const error = await boot({ imports: [SessionModule.forRoot({}), SecondRootModule] }).catch(
      (problem: unknown) => problem,
    );
    expect(error).toBeInstanceOf(SessionConfigurationError);
    expect((error as Error).message).toBe(
      'SessionModule.forRoot() is imported 2 times: import it once, in the root module; it is global',
    );
  });

  it('SessionModule without forRoot()', async () => {
    const error = await boot({ imports: [SessionModule], controllers: [PlainController] }).catch(
      (problem: unknown) => problem,
    );
    expect(error).toBeInstanceOf(SessionConfigurationError);
    expect((error as Error).message).toMatch(
      /^SessionModule has no options: import SessionModule\.forRoot\(\) rather than SessionModule/,
    );
  });

  it('an unknown scope of beans', () => {
    expect(() => SessionModule.forFeature([Counter], { scope: Scope.TRANSIENT as never })).toThrow(
      'SessionModule.forFeature() option scope: allowed are Scope.DEFAULT, Scope.REQUEST',
    );
  });

  it.each<[string, object, RegExp]>([
    [
      'a session without an end',
      { idleTimeoutMs: Infinity },
      /^SessionModule option idleTimeoutMs = Infinity: allowed is .*$/,
    ],
    [
      'a route that is none',
      { nodeName: 'a.b' },
      /^SessionModule option nodeName = "a\.b": allowed is 1 to 32 letters and digits.*$/,
    ],
    [
      'a short secret',
      { signingKeys: ['hunter2'] },
      /^signingKeys\[0\]: 7 bytes are too short; allowed are keys of at least 16 bytes$/,
    ],
    [
      'a secret for a list',
      { signingKeys: 'correct horse battery staple' },
      /^signingKeys: a string is not allowed; give a list of at least one key.*$/,
    ],
    [
      'a function that forgets to return the store',
      { store: () => undefined },
      /^SessionModule option store\(\) = undefined: allowed is a session store of contract 1, with load, .*$/,
    ],
    [
      'a store that is only the class of one',
      { store: MemorySessionStore },
      /^SessionModule option store = a function: allowed is a session store of contract 1, .*, or a function .*$/,
    ],
    ['no secret in the list', { signingKeys: [] }, /^signingKeys: an empty list is not allowed.*$/],
    [
      'a cookie option that does not exist',
      { cookie: { httpOnly: false } },
      /^cookie\.httpOnly: false is not allowed; allowed: the options .*$/,
    ],
    [
      'a cookie that browsers drop',
      { cookie: { sameSite: 'none', secure: false } },
      /^cookie\.secure: false is not allowed; .*$/,
    ],
    [
      'a header in the cookie name',
      { cookie: { name: 'a\r\nX: y' } },
      /^cookie\.name: 'a\\r\\nX: y' is not allowed; .*$/,
    ],
  ])('%s, in one line that tells no secret', async (_, options, message) => {
    for (const imports of [
      [SessionModule.forRoot(options)],
      [SessionModule.forRootAsync({ useFactory: async () => options })],
    ]) {
      const error = await boot({ imports }).catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(SessionConfigurationError);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).not.toMatch(/hunter2|horse/);
    }
  });
});
