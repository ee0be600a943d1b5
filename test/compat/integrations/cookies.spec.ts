import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fastifyCookie from '@fastify/cookie';
import { Controller, Get, Inject, type INestApplication, Req, Res } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import cookieParser from 'cookie-parser';
import type { Request, Response } from 'express';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpSession } from 'nestjs-session-beans';
import { Client, setCookies } from '../../support/client.js';
import { Counter } from '../../support/counter.js';
import { type AdapterName, type TestApplication, startApplication } from '../../support/platforms.js';

@Controller()
class ShopController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  /** Both packages have the same method. */
  @Get('visit') visit(@Res({ passthrough: true }) reply: Pick<Response, 'cookie'>): number {
    reply.cookie('theme', 'dark');
    reply.cookie('signed', 'mine', { signed: true });
    return ++this.counter.value;
  }

  @Get('cookies') cookies(@Req() request: Request | FastifyRequest): object {
    const { theme, signed } = { ...request.cookies, ...('signedCookies' in request && request.signedCookies) };
    const opened = 'unsignCookie' in request ? request.unsignCookie(String(signed)).value : String(signed);
    return { theme, signed: opened, count: this.counter.value };
  }

  @Get('logout') async logout(@Res({ passthrough: true }) reply: Response | FastifyReply): Promise<void> {
    reply.clearCookie('theme');
    await this.session.logout();
  }
}

describe.each([
  { adapter: 'express', name: 'cookie-parser' },
  { adapter: 'fastify', name: '@fastify/cookie' },
] as const)("an application's own cookies, with $name,", ({ adapter }) => {
  let server: TestApplication;
  beforeAll(async () => {
    const prepare = (app: INestApplication): void => takeCookies(app, adapter);
    server = await startApplication({ adapter, beans: [Counter], controllers: [ShopController], prepare });
  });
  afterAll(() => server.close());

  it("and the session's stand side by side, are read again, and end together", async () => {
    const client = new Client(server.app);
    const names = (lines: readonly string[]): string[] =>
      lines.map((line) => line.slice(0, line.indexOf('='))).toSorted();
    expect(names(setCookies(await client.get('/visit')))).toEqual(['sid', 'signed', 'theme']);
    expect(names(setCookies(await client.get('/visit')))).toEqual(['signed', 'theme']);
    expect((await client.get('/cookies')).body).toEqual({ theme: 'dark', signed: 'mine', count: 2 });
    expect(names(setCookies(await client.get('/logout')))).toEqual(['sid', 'theme']);
    expect((await client.get('/cookies')).body).toEqual({ signed: 'mine', count: 0 });
  });
});

function takeCookies(app: INestApplication, adapter: AdapterName): void {
  if (adapter === 'express') app.use(cookieParser('secret of the application'));
  else void (app as NestFastifyApplication).register(fastifyCookie, { secret: 'secret of the application' });
}
