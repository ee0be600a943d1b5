import { BadRequestException, Body, Controller, Delete, Get, NotFoundException, Param, Post } from '@nestjs/common';
import { CartItem } from './cart-item.js';
import { Cart } from './cart.js';

@Controller('cart')
export class CartController {
  constructor(private readonly cart: Cart) {}

  @Get()
  show() {
    return this.cart.summary();
  }

  @Post('items')
  add(@Body() body: Partial<CartItem> | undefined) {
    const { sku, quantity, price } = body ?? {};
    if (typeof sku !== 'string' || sku === '' || sku.length > 100)
      throw new BadRequestException('sku must be a text of 1 to 100 characters');
    if (!isAmount(quantity, 1)) throw new BadRequestException('quantity must be a whole number from 1');
    if (!isAmount(price, 0)) throw new BadRequestException('price must be a whole number of cents from 0');
    this.cart.add(CartItem.of(sku, quantity, price));
    return this.cart.summary();
  }

  @Delete('items/:sku')
  remove(@Param('sku') sku: string) {
    if (!this.cart.remove(sku)) throw new NotFoundException('no such article in the cart');
    return this.cart.summary();
  }
}

function isAmount(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
