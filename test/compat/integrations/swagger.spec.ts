import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Inject, Post } from '@nestjs/common';
import { ApiOkResponse, ApiProperty, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { CurrentSession, HttpSession, SessionScoped } from 'nestjs-session-beans';
import { Client, setCookies } from '../../support/client.js';
import { type BeanScope, type TestApplication, platforms, startApplication } from '../../support/platforms.js';

/** A bean that is described, and answered with, like any other class. */
@SessionScoped({ name: 'cart' })
class Cart {
  @ApiProperty({ type: [String] }) items: string[] = [];
  @ApiProperty({ type: Number, nullable: true }) total: number | null = null;
}

class Item {
  @ApiProperty({ type: String }) name!: string;
}

@Controller('cart')
class CartController {
  @Inject() private readonly cart!: Cart;

  @Get() @ApiOkResponse({ type: Cart }) show(): Cart {
    return this.cart;
  }

  @Post() @ApiOkResponse({ type: Cart }) add(@Body() { name }: Item, @CurrentSession() session: HttpSession): Cart {
    session.set('last', name);
    this.cart.items.push(name);
    return this.cart;
  }
}

describe.each(platforms)('@nestjs/swagger, $adapter, $mode', ({ adapter, scope }) => {
  let server: TestApplication;
  const start = (beanScope: BeanScope): Promise<TestApplication> =>
    startApplication({
      adapter,
      scope: beanScope,
      beans: [Cart],
      controllers: [CartController],
      prepare: (app) => {
        const config = new DocumentBuilder().setTitle('shop').addCookieAuth('sid').build();
        SwaggerModule.setup('api', app, () => SwaggerModule.createDocument(app, config));
      },
    });
  beforeAll(async () => {
    server = await start(scope);
  });
  afterAll(() => server.close());

  it('describes handlers with beans; the session is no parameter', async () => {
    const { body } = await new Client(server.app).get('/api-json');
    const { paths, components } = body as { paths: object; components: { schemas: object } };
    const json = { content: { 'application/json': { schema: { $ref: '#/components/schemas/Cart' } } } };
    expect(paths).toMatchObject({
      '/cart': {
        get: { parameters: [], responses: { 200: json } },
        post: {
          parameters: [],
          requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Item' } } } },
        },
      },
    });
    expect(Object.keys(components.schemas).toSorted()).toEqual(['Cart', 'Item']);
  });

  it('starts and loads no session for its pages', async () => {
    const client = new Client(server.app);
    await client.post('/cart', { name: 'book' });
    server.store.reset();
    for (const path of ['/api', '/api-json', '/api-yaml', '/api/swagger-ui.css']) {
      const answer = await client.get(path);
      expect([path, answer.status, setCookies(answer)]).toEqual([path, 200, []]);
    }
    expect(server.store.total).toBe(0);
    expect((await client.get('/cart')).body).toEqual({ items: ['book'], total: null });
  });
});
