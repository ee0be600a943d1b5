import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import cookieParser from 'cookie-parser';
import { type DoubleCsrfUtilities, doubleCsrf } from 'csrf-csrf';
import type { Request, Response } from 'express';
import { HttpSession } from 'nestjs-session-beans';
import { Client, setCookies } from '../../support/client.js';
import { Counter } from '../../support/counter.js';
import { type TestApplication, startApplication } from '../../support/platforms.js';

/** As in docs/compatibility.md. */
@Injectable()
class Csrf implements CanActivate {
  private readonly tokens: DoubleCsrfUtilities;

  constructor(session: HttpSession) {
    this.tokens = doubleCsrf({
      getSecret: () => 'a secret of the application',
      getSessionIdentifier: () => session.handle ?? '',
      cookieName: 'csrf',
      cookieOptions: { secure: false },
    });
  }

  canActivate(context: ExecutionContext): boolean {
    return this.tokens.validateRequest(context.switchToHttp().getRequest());
  }

  issue(request: Request, response: Response): string {
    return this.tokens.generateCsrfToken(request, response, { overwrite: true });
  }
}

@Controller()
class ShopController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;
  @Inject() private readonly csrf!: Csrf;

  @Get('form') form(@Req() request: Request, @Res({ passthrough: true }) response: Response): string {
    this.session.start();
    return this.csrf.issue(request, response);
  }

  @UseGuards(Csrf) @Post('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Post('renew') renew(): string {
    this.session.renewId();
    return 'renewed';
  }

  @UseGuards(Csrf)
  @Post('login')
  async login(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<string> {
    await this.session.login('ann');
    await this.session.flush();
    return this.csrf.issue(request, response);
  }
}

describe('a token of csrf-csrf that is bound to the handle of the session', () => {
  let server: TestApplication;
  let client: Client;
  beforeAll(async () => {
    server = await startApplication({
      adapter: 'express',
      beans: [Counter],
      controllers: [ShopController],
      providers: [Csrf],
      prepare: (app) => app.use(cookieParser()),
    });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    client = new Client(server.app);
  });

  const post = async (path: string, token: string): Promise<string | number> => {
    const { status, text } = await client.agent.post(path).set('x-csrf-token', token);
    return status === 201 ? text : status;
  };

  it('is valid from the first page on, also after the session has got another id', async () => {
    const token = await client.text('/form');
    expect(await post('/count', token)).toBe('n=1');
    expect(setCookies(await client.post('/renew'))).toEqual([expect.stringMatching(/^sid=/)]);
    expect(await post('/count', token)).toBe('n=2');
  });

  it('ends with a login, which gives the next one', async () => {
    const token = await client.text('/form');
    const next = await post('/login', token);
    expect(await post('/count', token)).toBe(403);
    expect(await post('/count', String(next))).toBe('n=1');
  });

  it('is worth nothing in the session of somebody else', async () => {
    const token = await client.text('/form');
    client = new Client(server.app);
    await client.get('/form');
    expect(await post('/count', token)).toBe(403);
  });
});
