import { BadRequestException, Body, Controller, HttpCode, Post } from '@nestjs/common';
import { HttpSession } from 'nestjs-session-beans';

/** Logs users in and out. It believes who they say they are: an application would check that first. */
@Controller()
export class LoginController {
  constructor(private readonly session: HttpSession) {}

  @Post('login')
  async login(@Body() body: { readonly user?: unknown } | undefined) {
    const user = body?.user;
    if (typeof user !== 'string' || user === '' || user.length > 100)
      throw new BadRequestException('user must be a text of 1 to 100 characters');
    await this.session.login(user);
    return { principal: user };
  }

  @Post('logout')
  @HttpCode(204)
  async logout(): Promise<void> {
    await this.session.logout();
  }
}
