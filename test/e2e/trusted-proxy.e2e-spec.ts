import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { SessionModule } from 'nestjs-session-beans';
import { Counter } from '../support/counter.js';
import { adapters } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

@Controller()
class CountController {
  @Inject() private readonly counter!: Counter;

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }
}

describe.each(adapters)('R3 behind a proxy that the application trusts, $adapter', ({ adapter }) => {
  let app: INestApplication;
  let url: string;
  beforeAll(async () => {
    const module = await Test.createTestingModule({
      imports: [SessionModule.forRoot(), SessionModule.forFeature([Counter])],
      controllers: [CountController],
    }).compile();
    const express = new ExpressAdapter();
    express.set('trust proxy', true);
    app = module.createNestApplication(adapter === 'express' ? express : new FastifyAdapter({ trustProxy: true }));
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(() => app.close());

  it('the cookie is Secure and bound to the host where the proxy speaks TLS, and counts only there', async () => {
    const secure = await RawClient.exchange(url, '/count', ['X-Forwarded-Proto: https']);
    expect(secure.cookies).toEqual([
      expect.stringMatching(/^__Host-sid=[\w-]{65}; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
    const cookie = `Cookie: ${secure.cookies[0]?.split(';')[0]}`;
    expect((await RawClient.exchange(url, '/count', [cookie, 'X-Forwarded-Proto: https'])).body).toBe('n=2');
    expect((await RawClient.exchange(url, '/count', [cookie])).body).toBe('n=1');
  });
});
