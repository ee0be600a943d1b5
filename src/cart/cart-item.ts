/** One line of a cart. Prices are in cents. */
export class CartItem {
  sku = '';
  quantity = 0;
  price = 0;

  static of(sku: string, quantity: number, price: number): CartItem {
    return Object.assign(new CartItem(), { sku, quantity, price });
  }

  get total(): number {
    return this.quantity * this.price;
  }
}
