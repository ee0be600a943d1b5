import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Global, Inject, Injectable, Module, Optional, forwardRef } from '@nestjs/common';
import { MemorySessionStore, SessionEvents, SessionModule, SessionScoped } from 'nestjs-session-beans';
import type { SessionChange } from 'nestjs-session-beans/store-kit';
import { Client } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';

@Injectable()
class LocalService {
  readonly name = 'local';
}

@Injectable()
class ExportedService {
  readonly name = 'exported';
}

@Injectable()
class GlobalService {
  readonly name = 'global';
}

@Injectable()
class ExportedByNobody {}

@SessionScoped()
class Prices {
  rate = 2;

  constructor(@Inject(forwardRef(() => Cart)) readonly cart: { total: number }) {}

  double(): number {
    this.rate *= 2;
    return this.rate;
  }
}

@SessionScoped()
class Cart {
  @Inject() readonly exported!: ExportedService;
  @Inject('LIMIT') readonly limit!: number;
  @Optional() @Inject('ABSENT') readonly absent: string = 'default';
  @Inject(forwardRef(() => Prices)) readonly prices!: Prices;
  total = 0;

  constructor(
    readonly local: LocalService,
    readonly global: GlobalService,
    readonly events: SessionEvents,
    @Inject('CLOCK') readonly clock: { now(): number },
    @Optional() readonly missing?: ExportedByNobody,
  ) {}

  describe(): unknown[] {
    const { local, exported, global, clock, limit, absent, missing } = this;
    return [
      local.name,
      exported.name,
      global.name,
      clock.now(),
      limit,
      absent,
      missing ?? 'none',
      typeof this.events.on,
    ];
  }
}

@Controller()
class CartController {
  constructor(
    private readonly cart: Cart,
    private readonly prices: Prices,
  ) {}

  @Get()
  get(): unknown[] {
    this.cart.total++;
    return this.cart.describe();
  }

  @Get('prices')
  double(): unknown[] {
    return [this.cart.prices.double(), this.prices.rate, this.prices.cart.total];
  }

  @Get('total')
  total(): unknown[] {
    return [this.cart.total, this.prices.rate, ...this.cart.describe().slice(0, 1)];
  }
}

@Module({ providers: [ExportedService], exports: [ExportedService] })
class ExportingModule {}

@Global()
@Module({ providers: [GlobalService], exports: [GlobalService] })
class GlobalModule {}

describe.each(platforms)('J14 what is injected into a bean, $adapter, $mode,', ({ adapter, scope }) => {
  let server: TestApplication;
  let changes: SessionChange[];
  beforeEach(async () => {
    changes = [];
    const store = new CountingStore(new MemorySessionStore());
    store.before = (operation, argument) => {
      if (operation === 'save') changes.push(argument as SessionChange);
    };

    @Module({
      imports: [ExportingModule, GlobalModule, SessionModule.forFeature([Cart, Prices], { scope })],
      providers: [
        LocalService,
        { provide: 'CLOCK', useFactory: async () => ({ now: () => 42 }) },
        { provide: 'LIMIT', useValue: 7 },
      ],
      controllers: [CartController],
    })
    class ShopModule {}

    server = await startApplication({ adapter, store, imports: [ShopModule] });
  });
  afterEach(() => server.close());

  it('comes from its module, from one that exports, from a global one, by token, or not at all', async () => {
    const client = new Client(server.app);
    const expected = ['local', 'exported', 'global', 42, 7, 'default', 'none', 'function'];
    expect(JSON.parse(await client.text('/'))).toEqual(expected);
    expect(JSON.parse(await client.text('/'))).toEqual(expected);
  });

  it('is never stored', async () => {
    const client = new Client(server.app);
    await client.text('/');
    const parts = [...(changes[0]?.parts.keys() ?? [])];
    expect(parts).toEqual(['Cart']);
    const stored = JSON.stringify([...(changes[0]?.parts ?? [])]);
    expect(stored).toContain('total');
    for (const injected of ['local', 'exported', 'global', 'clock', 'limit', 'prices', 'events'])
      expect(stored).not.toContain(injected);
  });

  it('may be another session bean: a reference to it, in circles too, and never a copy', async () => {
    const client = new Client(server.app);
    await client.text('/');
    expect(JSON.parse(await client.text('/prices'))).toEqual([4, 4, 1]);
    expect(JSON.parse(await client.text('/prices'))).toEqual([8, 8, 1]);
    expect(JSON.parse(await client.text('/total'))).toEqual([1, 8, 'local']);
    expect(
      JSON.stringify(changes.flatMap(({ parts }) => [...parts]).filter(([name]) => name === 'Prices')),
    ).not.toContain('cart');
  });
});
