import { Controller, Get, Param, ParseIntPipe, Post } from '@nestjs/common';
import { CartItem } from '../../../src/cart/cart-item.js';
import { Cart } from '../../../src/cart/cart.js';

const ARTICLE = { sku: 'an article', quantity: 1, price: 250, total: 250 };

/** The pages that are measured beside those of the sample. */
@Controller('lab')
export class PagesController {
  /** As large as the answer of `/count`, or of a cart with that many articles; needs no session. */
  @Get('plain/:articles')
  plain(@Param('articles', ParseIntPipe) articles: number): unknown {
    if (articles === 0) return 'counter=1000';
    return { items: Array.from({ length: articles }, () => ARTICLE) };
  }
}

/** Fills a cart at once. */
@Controller('lab/cart')
export class CartFillController {
  constructor(private readonly cart: Cart) {}

  @Post(':articles')
  fill(@Param('articles', ParseIntPipe) articles: number): string {
    for (let i = 0; i < articles; i++) this.cart.add(CartItem.of(`article ${i}`, 1, 250));
    return `${articles} articles`;
  }
}
