import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Get,
  HttpCode,
  Injectable,
  type NestInterceptor,
  Post,
  Res,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { HttpSession, SessionEvents, SessionScoped } from 'nestjs-session-beans';
import { type Observable, map } from 'rxjs';
import type { Response } from 'supertest';
import { Client, setCookies } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

let destroyed = 0;

@SessionScoped({ name: 'attempts' })
class Attempts {
  value = 0;

  onBeanDestroyed(): void {
    destroyed++;
  }
}

/** What another user, or an anonymous visitor, has noted: not shown to the user who logs in. */
@SessionScoped({ name: 'notes', onLogin: 'reset' })
class Notes {
  text = '';
}

/** The part of the responses of Express and Fastify that these handlers use. */
interface FrameworkResponse {
  status(code: number): { send(body: string): unknown };
}

/** Logs in whoever comes, and leaves it to the handler to look closer. */
@Injectable()
class LoginGuard implements CanActivate {
  constructor(private readonly session: HttpSession) {}

  async canActivate(): Promise<boolean> {
    await this.session.login('ann');
    return true;
  }
}

@Injectable()
class RefusingLoginGuard extends LoginGuard {
  override async canActivate(): Promise<boolean> {
    await super.canActivate();
    return false;
  }
}

/** Looks at what handlers answer, and refuses it. */
@Injectable()
class RefusingInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map(() => {
        throw new UnauthorizedException();
      }),
    );
  }
}

@Controller()
class LoginController {
  constructor(
    private readonly session: HttpSession,
    private readonly attempts: Attempts,
    private readonly notes: Notes,
  ) {}

  @Get()
  see(): object {
    const { principal = 'nobody', exists } = this.session;
    return { principal, exists, attempts: this.attempts.value, notes: this.notes.text };
  }

  @Post('note')
  note(): void {
    this.notes.text = 'of the one before';
  }

  @Post('log-in/alice')
  async logIn(): Promise<void> {
    await this.session.login('alice');
  }

  @Post('nothing-changed')
  async nothingChanged(): Promise<never> {
    await this.session.login('ann');
    throw new UnauthorizedException();
  }

  @Post('throws')
  async throws(): Promise<never> {
    this.attempts.value++;
    await this.session.login('ann');
    // Of the login that does not happen.
    this.notes.text = 'of ann';
    throw new UnauthorizedException();
  }

  @Post('status')
  @HttpCode(422)
  async status(): Promise<string> {
    this.attempts.value++;
    await this.session.login('ann');
    this.notes.text = 'of ann';
    return 'one factor is not enough';
  }

  @Post('sends')
  async sends(@Res() response: FrameworkResponse): Promise<void> {
    this.attempts.value++;
    await this.session.login('ann');
    this.notes.text = 'of ann';
    response.status(401).send('one factor is not enough');
  }

  /** In the manner of callbacks: the answer comes when the handler has returned. */
  @Post('sends-later')
  sendsLater(@Res() response: FrameworkResponse): void {
    this.attempts.value++;
    void this.session.login('ann');
    this.notes.text = 'of ann';
    setTimeout(() => response.status(403).send('one factor is not enough'), 5);
  }

  @Post('forgets')
  forgets(): never {
    this.attempts.value++;
    void this.session.login('ann');
    this.notes.text = 'of ann';
    throw new UnauthorizedException();
  }

  @Post('guard')
  @UseGuards(LoginGuard)
  guard(): never {
    this.attempts.value++;
    this.notes.text = 'of ann';
    throw new ForbiddenException();
  }

  @Post('refusing-guard')
  @UseGuards(RefusingLoginGuard)
  refusingGuard(): string {
    return 'never';
  }

  @Post('changes-afterwards')
  async changesAfterwards(): Promise<never> {
    await this.session.login('ann');
    this.attempts.value++;
    throw new UnauthorizedException();
  }

  @Post('intercepted')
  @UseInterceptors(RefusingInterceptor)
  async intercepted(): Promise<void> {
    await this.session.login('ann');
  }

  @Post('stores-before')
  async storesBefore(): Promise<never> {
    await this.session.login('ann');
    await this.session.flush();
    throw new UnauthorizedException();
  }
}

/** Handlers that count an attempt, log in, and fail. */
const FAILURES = ['throws', 'status', 'sends', 'sends-later', 'forgets', 'guard'];

describe.each(adapters)('C7 a login whose request fails, $adapter,', ({ adapter }) => {
  describe.each(['always', 'success'] as const)('commitOn %s,', (commitOn) => {
    const counted = commitOn === 'always' ? 1 : 0;
    let server: TestApplication;
    let client: Client;
    let told: string[];
    beforeEach(async () => {
      destroyed = 0;
      server = await startApplication({
        adapter,
        beans: [Attempts, Notes],
        controllers: [LoginController],
        session: { commitOn },
      });
      client = new Client(server.app);
      told = [];
      const events = server.app.get(SessionEvents);
      for (const name of ['login', 'renewed', 'ended'] as const) events.on(name, () => told.push(name));
    });
    afterEach(() => server.close());
    const see = async (who = client): Promise<unknown> => (await who.get('/')).body;
    const post = (path: string): Promise<Response> => client.post(`/${path}`);

    it.each(FAILURES)('happens neither for a new client: %s; what it changed is stored as without it', async (path) => {
      const response = await post(path);

      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(setCookies(response)).toHaveLength(counted);
      expect(await see()).toEqual({ principal: 'nobody', exists: counted === 1, attempts: counted, notes: '' });
      expect(told).toEqual([]);
    });

    it.each(FAILURES)('nor in an anonymous session, which keeps its id: %s', async (path) => {
      await post('note');

      const response = await post(path);

      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(setCookies(response)).toEqual([]);
      const expected = { principal: 'nobody', exists: true, attempts: counted, notes: 'of the one before' };
      expect(await see()).toEqual(expected);
      expect(told).toEqual([]);
    });

    it.each(FAILURES)('nor in the session of another user, which goes on: %s', async (path) => {
      await post('log-in/alice');
      await post('note');
      told.length = 0;

      const response = await post(path);

      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(setCookies(response)).toEqual([]);
      // What a guard's login was followed by was done for Ann.
      const attempts = path === 'guard' ? 0 : counted;
      expect(await see()).toEqual({ principal: 'alice', exists: true, attempts, notes: 'of the one before' });
      expect(told).toEqual([]);
      expect(destroyed).toBe(0);
    });

    it.each(['nothing-changed', 'refusing-guard'])('starts no session for its own sake: %s', async (path) => {
      const response = await post(path);
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(setCookies(response)).toEqual([]);
      expect(server.store.total).toBe(0);
    });

    it('leaves what the handler changed afterwards in a bean that goes on', async () => {
      await post('note');
      await post('changes-afterwards');
      expect(await see()).toMatchObject({ principal: 'nobody', attempts: counted });
    });

    it('has happened where flush() has stored it before', async () => {
      const response = await post('stores-before');
      expect(response.status).toBe(401);
      expect(setCookies(response)).toHaveLength(1);
      expect(await see()).toMatchObject({ principal: 'ann' });
      expect(told).toEqual(['login']);
    });
  });

  it('does not happen where an interceptor refuses what the handler has answered', async () => {
    const server = await startApplication({ adapter, beans: [Attempts, Notes], controllers: [LoginController] });
    const client = new Client(server.app);
    await client.post('/note');
    const response = await client.post('/intercepted');
    expect([response.status, setCookies(response)]).toEqual([401, []]);
    expect((await client.get('/')).body).toMatchObject({ principal: 'nobody' });
    await server.close();
  });

  it('nor where one of the whole application does', async () => {
    const server = await startApplication({
      adapter,
      beans: [Attempts, Notes],
      controllers: [LoginController],
      providers: [{ provide: APP_INTERCEPTOR, useClass: RefusingInterceptor }],
    });
    const response = await new Client(server.app).post('/log-in/alice');
    expect([response.status, setCookies(response)]).toEqual([401, []]);
    expect(server.store.calls.save).toBe(0);
    await server.close();
  });

  it('does not happen when the store is down: the session goes on, and the client may try again', async () => {
    const server = await startApplication({ adapter, beans: [Attempts, Notes], controllers: [LoginController] });
    const client = new Client(server.app);
    await client.post('/note');
    server.store.before = (operation) => {
      if (operation === 'save') throw new Error('down');
    };
    const failed = await client.post('/log-in/alice');
    expect([failed.status, setCookies(failed)]).toEqual([503, []]);
    server.store.before = () => undefined;
    expect((await client.get('/')).body).toMatchObject({ principal: 'nobody', notes: 'of the one before' });
    expect((await client.post('/log-in/alice')).status).toBe(201);
    expect((await client.get('/')).body).toMatchObject({ principal: 'alice' });
    await server.close();
  });
});
