import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import * as ours from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { startApplication } from '../support/platforms.js';

describe('decorators of another copy of the package, as a library in a monorepo has one,', () => {
  let theirs: typeof ours;
  beforeAll(async () => {
    jest.resetModules();
    theirs = await import('nestjs-session-beans');
  });

  it('count: none is ignored', async () => {
    expect(theirs.SessionModule).not.toBe(ours.SessionModule);
    const { Merge, RequireLogin, Restore, SessionScoped, SkipSession, Transient } = theirs;

    class Item {
      name = 'item';
    }

    @SessionScoped({ name: 'cart' })
    class Cart {
      @Merge('sum') count = 0;
      @Restore(() => Item) items: Item[] = [];
      @Transient() secret = 0;
    }

    @Controller()
    class CartController {
      @Inject(Cart) private readonly cart!: Cart;

      @Get('add') add(): void {
        this.cart.count += 1;
        this.cart.items.push(new Item());
        this.cart.secret = 1;
      }

      @Get('cart') show(): unknown {
        const { count, items, secret } = this.cart;
        return { count, items: items.map((item) => item instanceof Item), secret };
      }

      @RequireLogin() @Get('private') private(): string {
        return 'private';
      }

      @SkipSession() @Get('skipped') skipped(): string {
        return 'skipped';
      }
    }

    const application = await startApplication({
      adapter: 'express',
      beans: [Cart],
      controllers: [CartController],
    });
    try {
      const client = new Client(application.app);
      await client.get('/add');
      expect((await client.get('/cart')).body).toEqual({ count: 1, items: [true], secret: 0 });
      expect((await client.get('/private')).status).toBe(401);
      application.store.reset();
      await client.get('/skipped');
      expect(application.store.total).toBe(0);
    } finally {
      await application.close();
    }
  });
});
