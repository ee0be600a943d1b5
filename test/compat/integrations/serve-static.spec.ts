import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ServeStaticModule } from '@nestjs/serve-static';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemorySessionStore, SessionModule } from 'nestjs-session-beans';
import { Client, setCookies } from '../../support/client.js';
import { Counter } from '../../support/counter.js';
import { CountingStore } from '../../support/counting-store.js';
import { adapters } from '../../support/platforms.js';

@Controller('api/count')
class CountController {
  @Inject() private readonly counter!: Counter;

  @Get() count(): string {
    return `n=${++this.counter.value}`;
  }
}

@Module({})
class ShopModule {}

describe.each(adapters)('@nestjs/serve-static, $adapter,', ({ adapter }) => {
  const rootPath = mkdtempSync(join(tmpdir(), 'pages-'));
  const store = new CountingStore(new MemorySessionStore());
  let app: INestApplication;
  beforeAll(async () => {
    writeFileSync(join(rootPath, 'index.html'), 'the page');
    writeFileSync(join(rootPath, 'app.js'), 'the script');
    const shop = {
      module: ShopModule,
      imports: [
        SessionModule.forRoot({ store }),
        SessionModule.forFeature([Counter]),
        ServeStaticModule.forRoot({ rootPath, exclude: ['/api/{*rest}'], serveStaticOptions: { fallthrough: true } }),
      ],
      controllers: [CountController],
    };
    // Not with a testing module: there, the package finds no server and serves nothing.
    app = await NestFactory.create(shop, adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(), {
      logger: false,
    });
    await app.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    await app.close();
    rmSync(rootPath, { recursive: true });
  });

  it('serves files, and the page of a route of the client, without a look at the session', async () => {
    const client = new Client(app);
    expect(await client.text('/api/count')).toBe('n=1');
    store.reset();
    for (const path of ['/', '/app.js', '/cart/7']) {
      for (const one of [client, new Client(app)]) {
        const answer = await one.get(path);
        expect([path, answer.status, setCookies(answer)]).toEqual([path, 200, []]);
        expect([path, answer.get('Cache-Control') ?? '']).toEqual([
          path,
          expect.not.stringMatching(/private|no-store/),
        ]);
      }
    }
    expect(store.total).toBe(0);
    expect(await client.text('/api/count')).toBe('n=2');
  });
});
