import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Controller, Get, type INestApplication, type MiddlewareConsumer, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HttpSession, SessionModule } from 'nestjs-session-beans';
import { createTestSession } from 'nestjs-session-beans/testing';
import request from 'supertest';
import { ExampleFolder } from './example-folder.js';

// The blocks of `docs/middleware.md`, in one application: their text is what runs here.

const examples = new ExampleFolder('docs/middleware.md');
const exported: Record<string, unknown> = {};
for (const name of examples.names) Object.assign(exported, await examples.import(name));
const { LanguageMiddleware, greet } = exported as {
  readonly LanguageMiddleware: Type;
  readonly greet: (app: INestApplication) => void;
};

/** Whether the session was loaded before the middleware of Nest, which comes after that of `app.use()`. */
const seen: boolean[] = [];

@Controller()
class PageController {
  constructor(private readonly session: HttpSession) {}

  @Get('page')
  page(): string {
    return String(this.session.principal);
  }
}

@Module({ imports: [SessionModule.forRoot()], controllers: [PageController] })
class ExamplesModule {
  constructor(private readonly session: HttpSession) {}

  configure(consumer: MiddlewareConsumer): void {
    const look = (_request: unknown, _response: unknown, next: () => void): void => {
      seen.push(this.session.exists);
      next();
    };
    consumer.apply(look, LanguageMiddleware).forRoutes('page');
  }
}

let app: INestApplication;
beforeAll(async () => {
  app = await NestFactory.create(ExamplesModule, { logger: false });
  greet(app);
  await app.init();
});
afterAll(async () => {
  await app?.close();
  examples.remove();
});

it('the middleware reads the session before the handler does', async () => {
  const { cookie } = await createTestSession(app, { principal: 'ann', attributes: { language: 'fr' } });
  const response = await request(app.getHttpServer()).get('/page').set('Cookie', cookie).expect(200, 'ann');
  expect(response.headers['content-language']).toBe('fr');
  expect(seen).toEqual([true]);
});

it('a client without a session gets the default', async () => {
  const response = await request(app.getHttpServer()).get('/page').expect(200, 'undefined');
  expect(response.headers['content-language']).toBe('en');
  expect(response.headers['set-cookie']).toBeUndefined();
});
