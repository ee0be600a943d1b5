import { Body, Controller, HttpCode, Post, UnauthorizedException } from '@nestjs/common';
import { HttpSession } from 'nestjs-session-beans';

@Controller()
export class LoginController {
  constructor(private readonly session: HttpSession) {}

  @Post('login')
  @HttpCode(204)
  async login(@Body('user') user: unknown, @Body('password') password: unknown): Promise<void> {
    // Yours: look the account up, and compare with the hash of its password.
    if (typeof user !== 'string' || user === '' || password !== 'secret')
      throw new UnauthorizedException('unknown user or wrong password');
    await this.session.login(user);
  }

  @Post('logout')
  @HttpCode(204)
  async logout(): Promise<void> {
    await this.session.logout();
  }
}
