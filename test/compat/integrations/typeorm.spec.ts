import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post } from '@nestjs/common';
import { InjectDataSource, TypeOrmModule } from '@nestjs/typeorm';
import { HttpSession, Restore, SessionScoped } from 'nestjs-session-beans';
import { Column, DataSource, Entity, type EntityManager, PrimaryGeneratedColumn } from 'typeorm';
import { Client } from '../../support/client.js';
import { type TestApplication, adapters, startApplication } from '../../support/platforms.js';

@Entity()
class Order {
  @PrimaryGeneratedColumn() id!: number;
  @Column('text') item!: string;

  label(): string {
    return `${this.id} ${this.item}`;
  }
}

@SessionScoped({ name: 'orders' })
class Orders {
  ids: number[] = [];
  @Restore(() => Order) last: Order | null = null;
}

@Controller()
class OrderController {
  @Inject() private readonly orders!: Orders;
  @Inject() private readonly session!: HttpSession;
  @InjectDataSource() private readonly database!: DataSource;

  @Get() list(): object {
    return { ids: this.orders.ids, last: this.orders.last?.label() };
  }

  @Post('book') book(): Promise<void> {
    return this.database.transaction((manager) => this.order(manager, 'book'));
  }

  @Post('failing') failing(): Promise<void> {
    return this.database.transaction(async (manager) => {
      await this.order(manager, 'failing');
      throw new Error('it failed');
    });
  }

  /** Stores the session while the transaction can still be rolled back. */
  @Post('together') together(): Promise<void> {
    return this.database.transaction(async (manager) => {
      await this.order(manager, 'together');
      await this.session.flush();
    });
  }

  private async order(manager: EntityManager, item: string): Promise<void> {
    const order = await manager.save(manager.create(Order, { item }));
    this.orders.ids.push(order.id);
    this.orders.last = order;
  }
}

describe.each(adapters)('@nestjs/typeorm, $adapter: a transaction and the session', ({ adapter }) => {
  let server: TestApplication;
  let client: Client;
  beforeAll(async () => {
    server = await startApplication({
      adapter,
      beans: [Orders],
      controllers: [OrderController],
      imports: [TypeOrmModule.forRoot({ type: 'sqljs', entities: [Order], synchronize: true })],
      session: { commitOn: 'success' },
    });
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    server.store.before = () => undefined;
    await server.app.get(DataSource).getRepository(Order).clear();
    client = new Client(server.app);
  });

  const items = async (): Promise<string[]> => {
    const orders = await server.app.get(DataSource).getRepository(Order).find();
    return orders.map(({ item }) => item);
  };
  const breakDown = (): void => {
    server.store.before = (operation) => {
      if (operation === 'save') throw new Error('down');
    };
  };

  it('both keep what it does; an entity in a bean comes back as one', async () => {
    expect((await client.post('/book')).status).toBe(201);
    expect((await client.get('/')).body).toEqual({ ids: [1], last: '1 book' });
    expect(await items()).toEqual(['book']);
  });

  it('neither keeps anything of a handler that fails', async () => {
    expect((await client.post('/failing')).status).toBe(500);
    expect((await client.get('/')).body).toEqual({ ids: [] });
    expect(await items()).toEqual([]);
  });

  it('the transaction goes first: its rows stay when the session cannot be stored', async () => {
    await client.post('/book');
    breakDown();
    expect((await client.post('/book')).status).toBe(503);
    expect(((await client.get('/')).body as { ids: number[] }).ids).toHaveLength(1);
    expect(await items()).toEqual(['book', 'book']);
  });

  it('flush() within the transaction rolls it back when the session cannot be stored', async () => {
    expect((await client.post('/together')).status).toBe(201);
    breakDown();
    expect((await client.post('/together')).status).toBe(503);
    expect(((await client.get('/')).body as { ids: number[] }).ids).toHaveLength(1);
    expect(await items()).toEqual(['together']);
  });
});
