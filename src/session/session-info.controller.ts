import { Controller, Delete, Get, HttpCode, Inject, NotFoundException } from '@nestjs/common';
import { HttpSession } from 'nestjs-session-beans';
import { NODE_NAME } from './node-name.js';

/** What a client may know about its own session. */
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
