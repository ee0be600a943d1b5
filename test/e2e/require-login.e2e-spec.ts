import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Post } from '@nestjs/common';
import { HttpSession, RequireLogin } from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import { Client } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

const MINUTE_MS = 60_000;

@Controller()
class AccountController {
  constructor(private readonly session: HttpSession) {}

  @Post('login/:user') async login(@Param('user') user: string): Promise<void> {
    await this.session.login(user);
  }

  /** As long as the identity provider says. */
  @Post('provider/:user') async provider(@Param('user') user: string): Promise<void> {
    await this.session.login(user, { idleTimeoutMs: 10 * MINUTE_MS, absoluteTimeoutMs: 10 * MINUTE_MS });
  }

  @RequireLogin() @Get('account') account(): string {
    return String(this.session.principal);
  }

  @RequireLogin({ maxAgeMs: 5 * MINUTE_MS }) @Post('email') email(): void {
    this.session.set('email', 'new');
  }

  @Get('email') current(): string {
    return this.session.has('email') ? 'new' : 'old';
  }
}

describe.each(adapters)('@RequireLogin(), $adapter,', ({ adapter }) => {
  let clock: ManualClock;
  let server: TestApplication;
  let client: Client;
  beforeEach(async () => {
    clock = new ManualClock();
    server = await startApplication({ adapter, controllers: [AccountController], session: { clock } });
    client = new Client(server.app);
  });
  afterEach(() => server.close());

  it('runs no handler for a stranger, with a session or without, and starts none', async () => {
    expect((await client.get('/account')).status).toBe(401);
    expect((await client.post('/email')).body).toMatchObject({ statusCode: 401, code: 'SESSION_LOGIN_REQUIRED' });
    expect([await client.text('/email'), server.store.calls.save]).toEqual(['old', 0]);
  });

  it('with maxAgeMs, wants a login that is not longer ago, which a re-authentication is', async () => {
    await client.post('/login/ann');
    expect(await client.text('/account')).toBe('ann');
    clock.advance(5 * MINUTE_MS);
    expect((await client.post('/email')).status).toBe(201);
    clock.advance(1);
    expect((await client.post('/email')).status).toBe(401);
    // That does not depend on how active the user was meanwhile, and concerns no other handler.
    expect(await client.text('/account')).toBe('ann');
    await client.post('/login/ann');
    expect((await client.post('/email')).status).toBe(201);
    expect(await client.text('/email')).toBe('new');
  });

  it('ends a login when its own absolute timeout says so, however active its user is', async () => {
    await client.post('/provider/ann');
    for (let minute = 1; minute < 10; minute++) {
      clock.advance(MINUTE_MS);
      expect(await client.text('/account')).toBe('ann');
    }
    clock.advance(MINUTE_MS);
    expect((await client.get('/account')).status).toBe(401);
  });
});
