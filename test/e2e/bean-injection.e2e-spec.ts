import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HttpSession, SessionScoped, UseSession } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { type TestApplication, adapters, platforms, startApplication } from '../support/platforms.js';

@SessionScoped()
class Counter {
  value = 0;
}

@Injectable()
class PropertyService {
  @Inject() readonly counter!: Counter;
}

@Controller()
class CountController {
  @Inject() private readonly property!: Counter;
  @Inject(Counter) private readonly named!: Counter;
  @Inject('alias') private readonly alias!: Counter;
  @Inject('made') private readonly made!: { readonly counter: Counter };

  constructor(
    private readonly parameter: Counter,
    private readonly service: PropertyService,
  ) {}

  @Get()
  count(): string {
    const injected = [this.parameter, this.property, this.named, this.alias, this.made.counter, this.service.counter];
    for (const counter of injected) counter.value++;
    return `${new Set(injected).size} object, value ${this.parameter.value}`;
  }
}

describe.each(platforms)('a bean is injected, $adapter, $mode', ({ adapter, scope }) => {
  let server: TestApplication;
  beforeEach(async () => {
    const providers = [
      PropertyService,
      { provide: 'alias', useExisting: Counter },
      { provide: 'made', inject: [Counter], useFactory: (counter: Counter) => ({ counter }) },
    ];
    server = await startApplication({ adapter, scope, beans: [Counter], controllers: [CountController], providers });
  });
  afterEach(() => server.close());

  it('through constructors, properties, tokens, aliases and factories: one and the same', async () => {
    const client = new Client(server.app);
    expect(await client.text('/')).toBe('1 object, value 6');
    expect(await client.text('/')).toBe('1 object, value 12');
  });
});

@Controller()
class LookingController {
  constructor(private readonly modules: ModuleRef) {}

  @UseSession()
  @Get()
  async count(): Promise<string> {
    const counter = this.modules.get(Counter, { strict: false });
    const same = await Promise.resolve(counter);
    const session = this.modules.get(HttpSession, { strict: false });
    return `${++counter.value} ${same === counter} ${session.beanNames.join()}`;
  }
}

describe.each(adapters)('ModuleRef gives a bean, $adapter', ({ adapter }) => {
  it('that works in a handler marked @UseSession()', async () => {
    const server = await startApplication({ adapter, beans: [Counter], controllers: [LookingController] });
    const client = new Client(server.app);
    expect(await client.text('/')).toBe('1 true Counter');
    expect(await client.text('/')).toBe('2 true Counter');
    await server.close();
  });
});
