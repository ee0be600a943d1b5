import { BadRequestException, Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { HttpSession } from 'nestjs-session-beans';
import { Tally } from './tally.js';

/** A socket cannot set a cookie, so people log in with a request. This chat believes the name that they give. */
@Controller()
export class LoginController {
  constructor(
    private readonly session: HttpSession,
    private readonly tally: Tally,
  ) {}

  @Get('me')
  me() {
    return { user: this.session.principal ?? null, lines: this.tally.lines };
  }

  @Post('login')
  @HttpCode(204)
  async login(@Body('user') user: unknown): Promise<void> {
    if (typeof user !== 'string' || user === '' || user.length > 40)
      throw new BadRequestException('a name has 1 to 40 characters');
    await this.session.login(user);
  }

  @Post('logout')
  @HttpCode(204)
  async logout(): Promise<void> {
    await this.session.logout();
  }
}
