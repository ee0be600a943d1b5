import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { Cart } from './cart.js';

/** Each mutation is stored before the next one begins, and before the answer. */
@Resolver()
export class CartResolver {
  constructor(private readonly cart: Cart) {}

  @Query(() => [String], { name: 'cart' })
  show(): readonly string[] {
    return this.cart.articles;
  }

  @Mutation(() => [String])
  add(@Args('article') article: string): readonly string[] {
    this.cart.articles.push(article);
    return this.cart.articles;
  }
}
