import { Injectable } from '@nestjs/common';
import type { Cart } from './cart.js';

interface Order {
  readonly number: number;
  readonly lines: ReturnType<Cart['content']>['lines'];
  readonly total: number;
}

/** Orders belong to users, not to sessions. A real shop has them in a database. */
@Injectable()
export class Orders {
  private readonly byUser = new Map<string, readonly Order[]>();

  of(user: string): readonly Order[] {
    return this.byUser.get(user) ?? [];
  }

  place(user: string, lines: Order['lines'], total: number): Order {
    const order = { number: this.of(user).length + 1, lines, total };
    this.byUser.set(user, [...this.of(user), order]);
    return order;
  }
}
