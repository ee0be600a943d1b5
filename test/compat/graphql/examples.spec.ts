import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { Int, Query, Resolver } from '@nestjs/graphql';
import { SessionContext } from 'nestjs-session-beans';
import { createTestSession } from 'nestjs-session-beans/testing';
import { ExampleFolder } from '../../docs/example-folder.js';
import { eventually } from '../../support/eventually.js';
import { type TestApplication, startApplication } from '../../support/platforms.js';
import { GraphqlSocket } from './graphql-socket.js';
import { servers } from './shop.js';

// The subscription of `docs/graphql.md`: its text is what runs here.

const examples = new ExampleFolder('docs/graphql.md', 'test/compat/graphql');
interface Example {
  readonly Cart: Type<{ items: string[] }>;
  readonly Prices: Type;
  readonly PriceResolver: Type;
}
let example: Example;
beforeAll(async () => {
  const page = await Promise.all(examples.names.map((name) => examples.import<Partial<Example>>(name)));
  example = page.find((block) => block.PriceResolver) as Example;
});

/** The schema of GraphQL needs a query. */
@Resolver()
class AnyResolver {
  @Query(() => Int)
  any(): number {
    return 1;
  }
}

/** One price for each subscriber, and then none. */
const prices = {
  async *changes(): AsyncGenerator<number> {
    yield 5;
    await new Promise(() => undefined);
  },
};

afterAll(() => examples.remove());

describe.each(servers)('the subscription of the page, $server', ({ adapter, module }) => {
  let application: TestApplication;
  beforeAll(async () => {
    const { Cart, Prices, PriceResolver } = example;
    application = await startApplication({
      adapter,
      beans: [Cart],
      imports: [module({})],
      providers: [PriceResolver, AnyResolver, { provide: Prices, useValue: prices }] as Type[],
    });
  });
  afterAll(() => application.close());

  it('resolves each event on the session, and is over when the session is', async () => {
    const { app, url } = application;
    const { cookie, handle } = await createTestSession(app, {
      principal: 'ann',
      setUp: () => void app.get(example.Cart).items.push('pear', 'plum'),
    });
    const socket = await GraphqlSocket.open(url, cookie);
    const operation = socket.start('subscription { total }');
    await eventually('there is a price', () => operation.results.length === 1);
    expect(operation.results).toEqual([{ data: { total: 10 } }]);

    await app.get(SessionContext).run(handle, (session) => session.logout());
    await eventually('it is over', () => operation.isOver);
    expect(operation.results[1]?.errors?.[0]?.extensions).toMatchObject({ code: 'SESSION_ENDED' });
    socket.close();
  });

  it('is refused to those who have not logged in', async () => {
    const socket = await GraphqlSocket.open(application.url, '');
    const operation = socket.start('subscription { total }');
    const [result] = await eventually('it is answered', () => operation.results.length > 0 && operation.results);
    expect(result?.errors?.[0]?.extensions).toMatchObject({ code: 'SESSION_LOGIN_REQUIRED' });
    socket.close();
  });
});
