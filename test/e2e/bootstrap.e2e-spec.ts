import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Module, type Type } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, MetadataScanner, NestFactory, Reflector } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { HttpSession, SessionContextNotActiveError, SessionModule, SessionScoped } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { adapters, platforms } from '../support/platforms.js';

let constructed = 0;

@SessionScoped()
class Counter {
  value = 0;

  constructor() {
    constructed++;
  }

  get doubled(): number {
    return this.value * 2;
  }

  countUp(): number {
    return ++this.value;
  }
}

@Controller()
class CountController {
  constructor(private readonly counter: Counter) {}

  @Get()
  count(): string {
    return `counter=${this.counter.countUp()}`;
  }
}

beforeEach(() => {
  constructed = 0;
});

const adapterOf = (adapter: string) => (adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter());

describe.each(platforms)('an application with beans starts and stops, $adapter, $mode,', ({ adapter, scope }) => {
  @Module({
    imports: [SessionModule.forRoot(), SessionModule.forFeature([Counter], { scope }), DiscoveryModule],
    controllers: [CountController],
  })
  class AppModule {}

  const create = async (options: object) => {
    const app = await NestFactory.create(AppModule, adapterOf(adapter), {
      logger: false,
      abortOnError: false,
      ...options,
    });
    return app.enableShutdownHooks();
  };

  it.each<[string, object]>([
    ['as usual', {}],
    ['with a snapshot of its graph', { snapshot: true }],
    ['with every instance decorated', { instrument: { instanceDecorator: decorate } }],
  ])('%s: no bean is constructed before a request', async (_, options) => {
    const app = await create(options);
    await app.listen(0, '127.0.0.1');
    expect(constructed).toBe(0);
    const client = new Client(app);
    expect(await client.text('/')).toBe('counter=1');
    expect(await client.text('/')).toBe('counter=2');
    const before = constructed;
    await app.close();
    expect(constructed).toBe(before);
  });

  it('in preview: no bean is constructed', async () => {
    const app = await create({ preview: true });
    await app.init();
    await app.close();
    expect(constructed).toBe(0);
  });
});

/** As tracing tools do: looks at everything and hands out something else. */
function decorate(instance: unknown): unknown {
  if (typeof instance !== 'object' || instance === null) return instance;
  for (const name of new MetadataScanner().getAllMethodNames(Object.getPrototypeOf(instance) as object))
    Reflect.get(instance, name);
  return instance instanceof Counter || instance instanceof CountController ? new Proxy(instance, {}) : instance;
}

describe.each(adapters)('a bean at boot, $adapter,', ({ adapter }) => {
  const start = async (imports: Type[] = []) => {
    const module = await Test.createTestingModule({
      imports: [SessionModule.forRoot(), SessionModule.forFeature([Counter]), DiscoveryModule, ...imports],
      controllers: [CountController],
    }).compile();
    const app = module.createNestApplication(adapterOf(adapter), { logger: false });
    await app.listen(0, '127.0.0.1');
    return app;
  };
  let app: Awaited<ReturnType<typeof start>>;
  afterEach(() => app.close());

  it('survives what discovery and metadata scans do to every provider', async () => {
    app = await start();
    const scanner = new MetadataScanner();
    const seen: string[] = [];
    for (const wrapper of app.get(DiscoveryService).getProviders()) {
      const instance = wrapper.instance as object | undefined;
      if (wrapper.token !== Counter || !instance) continue;
      for (const name of scanner.getAllMethodNames(Object.getPrototypeOf(instance) as object)) {
        seen.push(name);
        app.get(Reflector).get('any', Reflect.get(instance, name) as never);
      }
    }
    expect(seen).toEqual(['countUp']);
    expect(constructed).toBe(0);
  });

  it('is what app.get() gives: one proxy, also by way of promises', async () => {
    app = await start();
    const counter = app.get(Counter);
    expect(counter).toBeInstanceOf(Counter);
    expect(app.get(Counter)).toBe(counter);
    expect(await app.resolve(Counter).catch(() => counter)).toBe(counter);
    expect(await Promise.resolve(counter)).toBe(counter);
    expect(() => counter.value).toThrow(SessionContextNotActiveError);
    expect(() => app.get(HttpSession).exists).toThrow(SessionContextNotActiveError);
    expect(constructed).toBe(0);
  });

  it('is the same one in every module that registers it', async () => {
    @Module({ imports: [SessionModule.forFeature([Counter])] })
    class OtherModule {
      @Inject() readonly counter!: Counter;
    }
    app = await start([OtherModule]);
    expect(app.get(OtherModule).counter).toBe(app.get(Counter));
  });
});

describe('tests of an application', () => {
  it('replace a bean as any provider', async () => {
    const module = await Test.createTestingModule({
      imports: [SessionModule.forRoot(), SessionModule.forFeature([Counter])],
      controllers: [CountController],
    })
      .overrideProvider(Counter)
      .useValue({ countUp: () => 42 })
      .compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    expect(await new Client(app).text('/')).toBe('counter=42');
    expect(constructed).toBe(0);
    await app.close();
  });

  it('get controllers of it', async () => {
    const module = await Test.createTestingModule({
      imports: [SessionModule.forRoot(), SessionModule.forFeature([Counter])],
      controllers: [CountController],
    }).compile();
    expect(() => module.get(CountController).count()).toThrow(
      'Counter.countUp was used outside a request, for example at boot, in a timer, in a message of a queue or a ' +
        'socket, or in the generator of a subscription, where there is no session',
    );
    await module.close();
  });
});

describe('an application without HTTP', () => {
  it('starts; beans say that there is no request', async () => {
    @Module({ imports: [SessionModule.forRoot(), SessionModule.forFeature([Counter])] })
    class AppModule {}
    const context = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    expect(() => context.get(Counter).value).toThrow(SessionContextNotActiveError);
    expect(constructed).toBe(0);
    await context.close();
  });
});
