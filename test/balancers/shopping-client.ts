import { BalancedClient } from '../support/balanced-client.js';

let customers = 0;

/**
 * A client that puts articles into its cart, each of them once and under a name of its own: so it can tell what was
 * lost from what was done twice, which numbers cannot. Close it.
 */
export class ShoppingClient extends BalancedClient {
  /** What it asked the server to put into the cart, and what it was told is there. */
  readonly ordered: string[] = [];
  readonly acknowledged: string[] = [];

  /** What it was answered with instead of the cart: 0 where the connection ended without an answer. */
  readonly failures: number[] = [];

  /**
   * What a cart lacked that had been acknowledged before it was asked for, and what it held twice or had never been
   * ordered.
   */
  readonly lost: string[] = [];
  readonly wrong: string[] = [];

  /** How often it has asked to see the cart. */
  looks = 0;

  private readonly customer = ++customers;

  async shop(): Promise<void> {
    const sku = `${this.customer}-${this.ordered.length}`;
    this.ordered.push(sku);
    const { status } = await this.post('/cart/items', { sku, quantity: 1, price: 100 });
    if (status === 201) this.acknowledged.push(sku);
    else this.failures.push(status);
  }

  /** Compares the cart with what it should be. @returns whether it was shown one */
  async look(): Promise<boolean> {
    const expected = [...this.acknowledged];
    this.looks++;
    const { status, text } = await this.get('/cart');
    if (status !== 200) {
      this.failures.push(status);
      return false;
    }
    const { items } = JSON.parse(text) as { items: { sku: string }[] };
    const skus = items.map(({ sku }) => sku);
    this.lost.push(...expected.filter((sku) => !skus.includes(sku)));
    this.wrong.push(...skus.filter((sku, i) => skus.indexOf(sku) !== i || !this.ordered.includes(sku)));
    return true;
  }
}
