import { BadRequestException, Body, Controller, Delete, Get, NotFoundException, Param, Post } from '@nestjs/common';
import { HttpSession, RequireLogin, SessionLock } from 'nestjs-session-beans';
import { Cart } from './cart.js';
import { CATALOGUE } from './catalogue.js';
import { Orders } from './orders.js';

@Controller()
export class ShopController {
  constructor(
    private readonly cart: Cart,
    private readonly session: HttpSession,
    private readonly orders: Orders,
  ) {}

  /** All that the page shows. */
  @Get('shop')
  shop() {
    const user = this.session.principal ?? null;
    const articles = [...CATALOGUE].map(([name, price]) => ({ name, price }));
    return { user, articles, cart: this.cart.content(), orders: user === null ? [] : this.orders.of(user) };
  }

  @Post('cart/:article')
  add(@Param('article') article: string) {
    if (!CATALOGUE.has(article)) throw new NotFoundException('there is no such article');
    this.cart.add(article);
    return this.cart.content();
  }

  @Delete('cart/:article')
  remove(@Param('article') article: string) {
    this.cart.remove(article);
    return this.cart.content();
  }

  /**
   * The lock lets the orders of a session run one at a time: who clicks twice finds the cart empty. The page sends the
   * total that its user has seen, since another window may have changed the cart.
   */
  @Post('orders')
  @RequireLogin()
  @SessionLock()
  async order(@Body('total') seen: unknown) {
    const { lines, total } = this.cart.content();
    if (lines.length === 0) throw new BadRequestException('the cart is empty');
    if (seen !== total) throw new BadRequestException(`the cart costs ${total} cents now`);
    this.cart.clear();
    // Orders are outside the session: they must not be placed when the cart could not be emptied.
    await this.session.flush();
    return this.orders.place(this.session.principal as string, lines, total);
  }
}
