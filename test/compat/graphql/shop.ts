import { EventEmitter, on } from 'node:events';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import {
  type DynamicModule,
  ForbiddenException,
  Inject,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type OnModuleDestroy,
  UseGuards,
} from '@nestjs/common';
import {
  Args,
  Context,
  Field,
  GraphQLModule,
  GraphQLSchemaHost,
  Info,
  Int,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import {
  CurrentSession,
  HttpSession,
  ReadOnlySession,
  RequireLogin,
  SessionLock,
  SessionScoped,
  UseSession,
} from 'nestjs-session-beans';
import { graphql } from 'graphql';
import type { AdapterName } from '../../support/platforms.js';
import { Latch } from '../../support/latch.js';

type Enhancer = 'guards';

interface GraphqlServer {
  readonly server: string;
  readonly adapter: AdapterName;
  readonly module: (options: { fieldResolverEnhancers?: Enhancer[] }) => DynamicModule;
}

const apollo: GraphqlServer['module'] = (options) =>
  GraphQLModule.forRoot<ApolloDriverConfig>({
    ...options,
    driver: ApolloDriver,
    autoSchemaFile: true,
    graphiql: false,
    allowBatchedHttpRequests: true,
    subscriptions: { 'graphql-ws': true },
    // Else Nest answers 200 as soon as an operation has run.
    preserveHttpStatusForExecutionErrors: false,
  });

const mercurius: GraphqlServer['module'] = (options) =>
  GraphQLModule.forRoot<MercuriusDriverConfig>({
    ...options,
    driver: MercuriusDriver,
    autoSchemaFile: true,
    allowBatchedQueries: true,
    subscription: { fullWsTransport: true },
  });

export const servers: readonly GraphqlServer[] = [
  { server: 'Apollo on Express', adapter: 'express', module: apollo },
  { server: 'Apollo on Fastify', adapter: 'fastify', module: apollo },
  { server: 'Mercurius', adapter: 'fastify', module: mercurius },
];

@SessionScoped({ name: 'cart' })
export class Cart {
  total = 0;
  log: string[] = [];
}

@SessionScoped({ name: 'visits' })
export class Visits {
  count = 0;
}

/** Where a slow resolver has begun, and may go on. */
export const slow = { begun: new Latch(), goOn: new Latch() };

@ObjectType()
export class Page {
  @Field() title!: string;
}

@ObjectType()
export class Order {
  @Field(() => [String]) items!: string[];
}

@Injectable()
class RefusingGuard {
  @Inject() private readonly cart!: Cart;

  canActivate(): boolean {
    this.cart.total += 1_000;
    throw new ForbiddenException();
  }
}

/** Depends on session-scoped beans. */
@Resolver()
export class CartResolver {
  @Inject() private readonly cart!: Cart;
  @Inject() private readonly host!: GraphQLSchemaHost;

  @Query(() => Int) total(@Context() context: object, @Info() info: object): number {
    return context && info ? this.cart.total : 0;
  }

  @Query(() => [String]) log(): string[] {
    return this.cart.log;
  }

  /** A query that writes. */
  @Query(() => Int) async slowlyCounted(): Promise<number> {
    this.cart.total++;
    slow.begun.open();
    await slow.goOn.opened;
    return this.cart.total;
  }

  @Mutation(() => Int) add(@Args('n', { type: () => Int }) n: number, @Context() context: object): number {
    if (context) this.cart.total += n;
    return this.cart.total;
  }

  @Mutation(() => Int, { nullable: true }) async addSlowly(
    @Args('n', { type: () => Int }) n: number,
    @Info() info: object,
  ): Promise<number> {
    if (info) this.cart.total += n;
    slow.begun.open();
    await slow.goOn.opened;
    return this.cart.total;
  }

  /** Overlapping runs of it would lose each other's change. */
  @Mutation(() => Int) async readAndWrite(@Args('name') name: string): Promise<number> {
    const { total, log } = this.cart;
    await new Promise((resolve) => setImmediate(resolve));
    this.cart.total = total + 1;
    this.cart.log = [...log, name];
    return this.cart.total;
  }

  @SessionLock({ waitMs: 60_000 }) @Mutation(() => Int) addLocked(@Args('n', { type: () => Int }) n: number): number {
    this.cart.total += n;
    return this.cart.total;
  }

  @ReadOnlySession() @Query(() => Int) peek(): number {
    return this.cart.total;
  }

  @Query(() => Int) count(): number {
    return ++this.cart.total;
  }

  /** Runs an operation of its own. */
  @Mutation(() => Int) async addInside(@Context() contextValue: object): Promise<number> {
    await graphql({ schema: this.host.schema, source: 'mutation { add(n: 3) }', contextValue });
    return this.cart.total;
  }

  /** Its field `items` changes what it returns. */
  @Mutation(() => Order) order(): Order {
    return { items: this.cart.log };
  }

  @Mutation(() => Int, { nullable: true }) addAndFail(@Args('n', { type: () => Int }) n: number): number {
    this.cart.total += n;
    throw new Error('it failed');
  }

  @Query(() => Int, { nullable: true }) countAndFail(): number {
    this.cart.total++;
    throw new Error('it failed');
  }

  @UseGuards(RefusingGuard)
  @Mutation(() => Int, { nullable: true })
  refused(): number {
    return 0;
  }
}

@Resolver(() => Order)
export class OrderResolver {
  @ResolveField(() => [String]) items(@Parent() order: Order): string[] {
    order.items.push('ordered');
    return order.items;
  }
}

/** The events of all subscriptions: what `news.emit('event', n)` is given. */
export const news = new EventEmitter();

type Events = AsyncIterableIterator<[number]>;

function events(): Events {
  return on(news, 'event') as Events;
}

@Resolver()
export class NewsResolver {
  @Inject() private readonly cart!: Cart;
  @Inject() private readonly session!: HttpSession;

  /** What each event shows, and changes. */
  @Subscription(() => Int, {
    resolve(this: NewsResolver, [n]: [number]) {
      this.cart.total += n;
      return this.cart.total;
    },
  })
  totals(): Events {
    return events();
  }

  /** The event overlaps with what `slow` lets happen. */
  @Subscription(() => Int, {
    nullable: true,
    async resolve(this: NewsResolver, [n]: [number]) {
      this.cart.total = n;
      slow.begun.open();
      await slow.goOn.opened;
      return this.cart.total;
    },
  })
  slowTotals(): Events {
    return events();
  }

  /** Its events are shown by a field that needs the session. */
  @UseSession() @Subscription(() => Page, { resolve: () => ({ title: 'page' }) }) pages(): Events {
    return events();
  }

  @RequireLogin() @Subscription(() => String, { resolve: String }) secrets(
    @CurrentSession() session: HttpSession,
  ): Events {
    subscribers.push(session.principal ?? 'nobody');
    return events();
  }

  /** The body of a generator runs when nobody has opened a session. */
  @Subscription(() => Int, { resolve: (total: number) => total }) async *unopened(): AsyncGenerator<number> {
    yield await Promise.resolve(this.cart.total);
  }

  /** Waits for an event that never comes, and cannot be stopped meanwhile. */
  @Subscription(() => Int, { resolve: (n: number) => n }) async *stuck(): AsyncGenerator<number> {
    yield 1;
    await new Promise(() => undefined);
  }

  @Mutation(() => Int) async changeId(): Promise<number> {
    this.session.renewId();
    return this.cart.total;
  }

  @Mutation(() => Boolean) async logout(): Promise<boolean> {
    await this.session.logout();
    return true;
  }
}

/** Whose sessions `secrets` was called in. */
export const subscribers: string[] = [];

/** Its subscription needs no session. */
@Resolver()
export class ClockResolver {
  @Subscription(() => Int, { resolve: ([n]: [number]) => n }) ticks(): Events {
    return events();
  }
}

/** Nest runs no guards for its field, unless it is told to. */
@Resolver(() => Page)
export class PrivateResolver {
  @RequireLogin() @ResolveField(() => String) remark(): string {
    return 'secret';
  }
}

/** Depends on nothing that leads to a session. */
@Resolver()
export class UserResolver {
  @Query(() => String) hello(): string {
    return 'hello';
  }

  @Query(() => String) async user(@CurrentSession() session: HttpSession): Promise<string> {
    return session.principal ?? 'nobody';
  }

  @Mutation(() => String) async login(
    @Args('name') name: string,
    @CurrentSession() session: HttpSession,
  ): Promise<string> {
    await session.login(name);
    return name;
  }

  @Mutation(() => String, { nullable: true }) async loginAndFail(@CurrentSession() session: HttpSession) {
    await session.login('mallory');
    throw new Error('wrong password');
  }

  @RequireLogin() @Query(() => String) secret(): string {
    return 'secret';
  }

  @Query(() => Page) page(): Page {
    return { title: 'page' };
  }

  @Mutation(() => Page) publish(): Page {
    return { title: 'published' };
  }
}

/** A field that writes, of a type whose root resolvers need no session. */
@Resolver(() => Page)
export class PageResolver {
  @Inject() private readonly visits!: Visits;

  @ResolveField(() => Int) async visitors(): Promise<number> {
    this.visits.count++;
    return this.visits.count;
  }

  @ResolveField(() => Int) async slowVisitors(): Promise<number> {
    this.visits.count++;
    slow.begun.open();
    await slow.goOn.opened;
    return this.visits.count;
  }
}

/** Its middleware goes on in a callback from elsewhere, as with a driver that has connections of its own. */
@Module({})
export class LosingModule implements OnModuleDestroy {
  private readonly waiting: (() => void)[] = [];
  private readonly timer = setInterval(() => this.waiting.splice(0).forEach((callback) => callback()), 1);

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply((_: unknown, __: unknown, next: () => void) => void this.waiting.push(next)).forRoutes('*path');
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }
}
