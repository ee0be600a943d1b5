import { Controller, Delete, Get, HttpCode, NotFoundException, Param, Query } from '@nestjs/common';
import { HttpSession, RequireLogin, type SessionPage, SessionRegistry } from 'nestjs-session-beans';

/** Shows a user on which devices they are logged in, and logs one of them out. */
@Controller('me/sessions')
@RequireLogin()
export class MySessionsController {
  constructor(
    private readonly session: HttpSession,
    private readonly registry: SessionRegistry,
  ) {}

  /** @param after `next` of the page before */
  @Get()
  list(@Query('after') after?: string): Promise<SessionPage> {
    return this.registry.list(this.user, { after });
  }

  @Delete(':handle')
  @HttpCode(204)
  async end(@Param('handle') handle: string): Promise<void> {
    if (!(await this.registry.revoke(this.user, handle))) throw new NotFoundException('you have no such session');
  }

  private get user(): string {
    return this.session.principal as string;
  }
}
