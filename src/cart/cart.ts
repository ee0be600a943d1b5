import { Type } from 'class-transformer';
import { Merge, SessionScoped } from 'nestjs-session-beans';
import { CartItem } from './cart-item.js';

/** The cart of this session: a bean with instances of another class, a Date and a Map. */
@SessionScoped({ name: 'cart', version: 1 })
export class Cart {
  @Type(() => CartItem)
  @Merge('append')
  private items: CartItem[] = [];

  /** How often each article was added, also articles that were removed again. */
  private readonly additions = new Map<string, number>();

  @Merge('latest')
  private changedAt: Date | null = null;

  add(item: CartItem): void {
    this.items.push(item);
    this.additions.set(item.sku, (this.additions.get(item.sku) ?? 0) + 1);
    this.changedAt = new Date();
  }

  /** @returns whether it was there */
  remove(sku: string): boolean {
    const before = this.items.length;
    this.items = this.items.filter((item) => item.sku !== sku);
    if (this.items.length === before) return false;
    this.changedAt = new Date();
    return true;
  }

  summary() {
    return {
      items: this.items.map(({ sku, quantity, price, total }) => ({ sku, quantity, price, total })),
      total: this.items.reduce((sum, item) => sum + item.total, 0),
      additions: Object.fromEntries(this.additions),
      changedAt: this.changedAt,
    };
  }
}
