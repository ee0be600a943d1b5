import { describe, expect, it } from '@jest/globals';
import { type CanActivate, Controller, Get, Injectable, UseGuards } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { HttpSession, SessionScoped } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { adapters, startApplication } from '../support/platforms.js';

@SessionScoped()
class Login {
  user = 'nobody';
}

/** Reads what only the session guard can have loaded. */
@Injectable()
class LoginGuard implements CanActivate {
  constructor(
    private readonly login: Login,
    private readonly session: HttpSession,
  ) {}

  canActivate(): boolean {
    guarded.push(`${this.login.user} ${this.session.exists}`);
    return true;
  }
}

let guarded: string[] = [];

@Controller()
class LoginController {
  constructor(private readonly login: Login) {}

  @UseGuards(LoginGuard)
  @Get('login')
  enter(): string {
    return (this.login.user = 'ann');
  }
}

describe.each(adapters)('the session is loaded before other guards, $adapter:', ({ adapter }) => {
  it('APP_GUARD of the importing module, useGlobalGuards(), and those of the handler', async () => {
    const server = await startApplication({
      adapter,
      beans: [Login],
      controllers: [LoginController],
      providers: [LoginGuard, { provide: APP_GUARD, useClass: LoginGuard }],
      prepare: (app) => app.useGlobalGuards(app.get(LoginGuard)),
    });
    const client = new Client(server.app);
    guarded = [];
    await client.text('/login');
    expect(guarded).toEqual(['nobody false', 'nobody false', 'nobody false']);
    guarded = [];
    await client.text('/login');
    expect(guarded).toEqual(['ann true', 'ann true', 'ann true']);
    await server.close();
  });
});
