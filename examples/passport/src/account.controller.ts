import { Controller, Get, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { HttpSession, RequireLogin } from 'nestjs-session-beans';
import type { User } from './password.strategy.js';
import { Profile } from './profile.js';

@Controller()
export class AccountController {
  constructor(
    private readonly session: HttpSession,
    private readonly profile: Profile,
  ) {}

  /** Passport has checked the password. `login()` gives the session a new id and remembers the user. */
  @Post('login')
  @HttpCode(204)
  @UseGuards(AuthGuard('local'))
  async login(@Req() { user }: { readonly user: User }): Promise<void> {
    await this.session.login(user.id);
    this.profile.name = user.name;
  }

  @Get('me')
  @RequireLogin()
  me() {
    return { id: this.session.principal, name: this.profile.name };
  }

  @Post('logout')
  @HttpCode(204)
  async logout(): Promise<void> {
    await this.session.logout();
  }
}
