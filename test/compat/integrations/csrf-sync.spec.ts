import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post, Req } from '@nestjs/common';
import { csrfSync } from 'csrf-sync';
import type { Request } from 'express';
import { HttpSession } from 'nestjs-session-beans';
import { useRequestSession } from 'nestjs-session-beans/request-session';
import { Client } from '../../support/client.js';
import { Counter } from '../../support/counter.js';
import { type TestApplication, startApplication } from '../../support/platforms.js';

@Controller()
class ShopController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('form') form(@Req() request: Request & { csrfToken(): string }): string {
    return request.csrfToken();
  }

  @Post('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Post('login') async login(): Promise<void> {
    await this.session.login('ann');
  }
}

describe('csrf-sync', () => {
  let server: TestApplication;
  let client: Client;
  beforeAll(async () => {
    const { csrfSynchronisedProtection } = csrfSync();
    server = await startApplication({
      adapter: 'express',
      beans: [Counter],
      controllers: [ShopController],
      prepare: (app) => {
        useRequestSession(app);
        app.use(csrfSynchronisedProtection);
      },
    });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    client = new Client(server.app);
  });

  const post = async (path: string, token: string): Promise<string | number> => {
    const { status, text } = await client.agent.post(path).set('x-csrf-token', token);
    return status === 201 ? text : status;
  };

  it('keeps its token in the session, in which it stays the same', async () => {
    expect(await post('/count', 'guessed')).toBe(403);
    const token = await client.text('/form');
    expect(await client.text('/form')).toBe(token);
    expect([await post('/count', token), await post('/count', token)]).toEqual(['n=1', 'n=2']);
  });

  it('refuses the token of somebody else', async () => {
    const token = await client.text('/form');
    client = new Client(server.app);
    await client.get('/form');
    expect(await post('/count', token)).toBe(403);
  });

  it('has no token any more after login(): a planted one is worth nothing', async () => {
    const token = await client.text('/form');
    await post('/login', token);
    expect(await post('/count', token)).toBe(403);
    expect(await post('/count', await client.text('/form'))).toBe('n=1');
  });
});
