import { Controller, Delete, Get, HttpCode, Inject, NotFoundException } from '@nestjs/common';
import { HttpSession } from 'nestjs-session-beans';

/** Token of this server's name, null where it has none. */
export const NODE_NAME = Symbol('NODE_NAME');

/** Shows a client its own session, and ends it. */
@Controller('session')
export class SessionInfoController {
  constructor(
    private readonly session: HttpSession,
    @Inject(NODE_NAME) private readonly node: string | null,
  ) {}

  @Get()
  show() {
    if (!this.session.exists) throw new NotFoundException('there is no session');
    const { isNew, createdAt, lastAccessedAt, expiresAt, principal = null, beanNames: beans } = this.session;
    return { isNew, createdAt, lastAccessedAt, expiresAt, principal, node: this.node, beans };
  }

  @Delete()
  @HttpCode(204)
  async end(): Promise<void> {
    await this.session.invalidate();
  }
}
