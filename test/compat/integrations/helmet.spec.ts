import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fastifyHelmet from '@fastify/helmet';
import type { INestApplication } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import helmet from 'helmet';
import { Client, setCookies } from '../../support/client.js';
import { CountController, Counter } from '../../support/counter.js';
import { type AdapterName, type TestApplication, adapters, startApplication } from '../../support/platforms.js';

describe.each(adapters)('the headers of helmet, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  beforeAll(async () => {
    server = await startApplication({
      adapter,
      beans: [Counter],
      controllers: [CountController],
      prepare: (app) => protect(app, adapter),
    });
  });
  afterAll(() => server.close());
  afterEach(() => {
    server.store.before = () => undefined;
  });

  it('stand beside the cookie', async () => {
    const client = new Client(server.app);
    const first = await client.get('/');
    expect(first.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    expect(first.get('Content-Security-Policy')).toContain("default-src 'self'");
    expect(setCookies(first)).toHaveLength(1);
    expect(await client.text('/')).toBe('2');
  });

  it('are on the answer that says that a change could not be stored', async () => {
    const client = new Client(server.app);
    await client.get('/');
    server.store.before = (operation) => {
      if (operation === 'save') throw new Error('down');
    };
    const { status, headers } = await client.get('/');
    expect([status, headers['x-content-type-options']]).toEqual([503, 'nosniff']);
  });
});

function protect(app: INestApplication, adapter: AdapterName): void {
  if (adapter === 'express') app.use(helmet());
  else void (app as NestFastifyApplication).register(fastifyHelmet);
}
