import { BalancedClient } from '../support/balanced-client.js';

let customers = 0;

/**
 * A client that puts articles into its cart, each under its own name and only once. Unlike a number, the cart shows
 * whether an update was lost or done twice. The test closes it.
 */
export class ShoppingClient extends BalancedClient {
  /** The articles that it has ordered, and those whose order was acknowledged. */
  readonly ordered: string[] = [];
  readonly acknowledged: string[] = [];

  /** The statuses of all other answers; 0 where the connection ended without an answer. */
  readonly failures: number[] = [];

  /**
   * Articles that a cart lacked although they were acknowledged before, and articles that it held twice or without an
   * order.
   */
  readonly lost: string[] = [];
  readonly wrong: string[] = [];

  /** How often it has checked the cart. */
  checks = 0;

  private readonly customer = ++customers;

  async shop(): Promise<void> {
    const sku = `${this.customer}-${this.ordered.length}`;
    this.ordered.push(sku);
    const { status } = await this.post('/cart/items', { sku, quantity: 1, price: 100 });
    if (status === 201) this.acknowledged.push(sku);
    else this.failures.push(status);
  }

  /** Compares the cart with the orders. @returns whether the server answered with a cart */
  async checkCart(): Promise<boolean> {
    const expected = [...this.acknowledged];
    this.checks++;
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
