import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Post, Req, type Type, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { HttpSession, RequireLogin, UseSession } from 'nestjs-session-beans';
import { Strategy } from 'passport-local';
import { ExampleFolder } from '../../docs/example-folder.js';
import { Client } from '../../support/client.js';
import { Counter } from '../../support/counter.js';
import { type TestApplication, adapters, startApplication } from '../../support/platforms.js';

/** Counts the passwords that were wrong in the session. Nothing but Passport calls it. */
@Injectable()
class PasswordStrategy extends PassportStrategy(Strategy) {
  constructor(
    private readonly failures: Counter,
    private readonly session: HttpSession,
  ) {
    super();
  }

  async validate(username: string, password: string): Promise<object | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    if (password === `${username}'s` && this.session.principal === undefined) return { name: username };
    this.failures.value++;
    return undefined;
  }
}

@Controller()
class LoginController {
  /** The guard is all that uses the session here, through its strategy: the plan does not see it. */
  @UseSession()
  @UseGuards(AuthGuard('local'))
  @Post('check')
  check(@Req() { user }: { user: { name: string } }): string {
    return user.name;
  }
}

@Controller()
class SessionController {
  @Inject() private readonly failures!: Counter;
  @Inject() private readonly session!: HttpSession;

  @UseGuards(AuthGuard('local'))
  @Post('login')
  async login(@Req() { user }: { user: { name: string } }): Promise<string> {
    await this.session.login(user.name);
    return `${user.name} after ${this.failures.value}`;
  }

  @RequireLogin() @Get('me') me(): string {
    return `${this.session.principal}`;
  }

  @Get('failures') count(): string {
    return `${this.failures.value}`;
  }
}

describe.each(adapters)('passport-local without sessions of its own, $adapter', ({ adapter }) => {
  let server: TestApplication;
  let client: Client;
  beforeAll(async () => {
    server = await startApplication({
      adapter,
      beans: [Counter],
      controllers: [LoginController, SessionController],
      imports: [PassportModule.register({ session: false })],
      providers: [PasswordStrategy],
    });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    client = new Client(server.app);
  });

  const enter = (path: string, password: string) => client.post(path, { username: 'ann', password });

  it('checks the password; the handler logs in, under a new id', async () => {
    expect((await enter('/login', 'wrong')).status).toBe(401);
    const before = client.cookie;
    expect((await enter('/login', "ann's")).text).toBe('ann after 1');
    expect(client.cookie).not.toBe(before);
    expect(await client.text('/me')).toBe('ann');
  });

  it('counts what its strategy refuses in the session, though the handler is not reached', async () => {
    for (const _ of [1, 2]) expect((await enter('/check', 'wrong')).status).toBe(401);
    expect(await client.text('/failures')).toBe('2');
    expect((await enter('/check', "ann's")).text).toBe('ann');
    expect((await client.get('/me')).status).toBe(401);
  });
});

describe('the application of docs/passport.md', () => {
  it('logs in, knows the user, and logs out', async () => {
    const examples = new ExampleFolder('docs/passport.md', 'test/compat/integrations');
    const { AccountModule } = await examples.import<{ readonly AccountModule: Type }>('account.ts');
    const app = await NestFactory.create(AccountModule, { logger: false });
    await app.listen(0);
    const client = new Client(app);

    expect((await client.get('/me')).status).toBe(401);
    expect((await client.post('/login', { username: 'ann', password: 'wrong' })).status).toBe(401);
    expect((await client.post('/login', { username: 'ann', password: 'secret' })).status).toBe(204);
    expect((await client.get('/me')).body).toEqual({ id: 'account-of-ann' });
    expect((await client.post('/logout')).status).toBe(204);
    expect((await client.get('/me')).status).toBe(401);
    await app.close();
    examples.remove();
  });
});
