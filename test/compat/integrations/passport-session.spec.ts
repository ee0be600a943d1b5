import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type ExecutionContext, Get, Injectable, Post, Req, Res, UseGuards } from '@nestjs/common';
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport';
import flash from 'connect-flash';
import type { Request, Response } from 'express';
import { SessionEvents } from 'nestjs-session-beans';
import { useRequestSession } from 'nestjs-session-beans/request-session';
import passport from 'passport';
import { Strategy } from 'passport-local';
import { Client } from '../../support/client.js';
import { Counter } from '../../support/counter.js';
import { type TestApplication, startApplication } from '../../support/platforms.js';

// The classes are those of Nest's documentation; nothing in them knows this package.

@Injectable()
class LocalStrategy extends PassportStrategy(Strategy) {
  validate(username: string, password: string): object | undefined {
    return password === `${username}'s` ? { name: username } : undefined;
  }
}

@Injectable()
class UserSerializer extends PassportSerializer {
  serializeUser(user: { name: string }, done: (error: null, id: string) => void): void {
    done(null, user.name);
  }

  /** As a driver of a database does, it calls back from elsewhere. */
  deserializeUser(name: string, done: (error: null, user: object) => void): void {
    setTimeout(done, 1, null, { name });
  }
}

@Injectable()
class LoginGuard extends AuthGuard('local') {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    await super.canActivate(context);
    await super.logIn(context.switchToHttp().getRequest<Request>());
    return true;
  }
}

@Controller()
class UserController {
  constructor(private readonly counter: Counter) {}

  @UseGuards(LoginGuard) @Post('login') login(@Req() { user }: Request): unknown {
    return user;
  }

  @Get('me') me(@Req() request: Request): unknown {
    return { isAuthenticated: request.isAuthenticated(), ...request.user };
  }

  @Post('logout') async logout(@Req() request: Request): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      request.logout((error: Error | undefined) => (error ? reject(error) : resolve())),
    );
  }

  @Post('cart') cart(@Req() { session }: Request): number {
    return (session as unknown as { cart: string[] }).cart.push('book');
  }

  @Get('session') session(@Req() request: Request): unknown {
    const { cookie: _cookie, ...content } = request.session;
    return { content, id: request.sessionID, count: this.counter.value };
  }

  @Post('start') start(@Req() { session }: Request): void {
    Object.assign(session, { cart: [] });
    this.counter.value++;
  }

  @Post('message') message(@Req() request: Request, @Res() response: Response): void {
    request.flash('info', 'stored %s', 'it');
    request.flash('info', 'and more');
    response.redirect('/messages');
  }

  @Get('messages') messages(@Req() request: Request): unknown {
    return request.flash('info');
  }
}

describe('passport.session() of passport-local, with the classes of the Nest documentation', () => {
  let server: TestApplication;
  let client: Client;
  beforeAll(async () => {
    server = await startApplication({
      adapter: 'express',
      beans: [Counter],
      controllers: [UserController],
      imports: [PassportModule.register({ session: true })],
      providers: [LocalStrategy, UserSerializer],
      prepare: (app) => {
        useRequestSession(app);
        app.use(passport.session());
        app.use(flash());
      },
    });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    client = new Client(server.app);
  });

  const login = (name: string, password = `${name}'s`) => client.post('/login', { username: name, password });
  const session = async (of = client) =>
    (await of.get('/session')).body as { content: object; id?: string; count: number };

  it('logs in, and out again', async () => {
    expect((await login('ann', 'wrong')).status).toBe(401);
    expect((await login('ann')).body).toEqual({ name: 'ann' });
    expect((await client.get('/me')).body).toEqual({ isAuthenticated: true, name: 'ann' });
    expect((await client.post('/logout')).status).toBe(201);
    expect((await client.get('/me')).body).toEqual({ isAuthenticated: false });
  });

  it('gives the session another id with the login: who planted the former one has nothing', async () => {
    await client.post('/start');
    const attacker = client.copy();
    const planted = (await session()).id;
    const { cookie } = client;
    await login('ann');
    expect(client.cookie).not.toBe(cookie);
    const after = await session();
    expect(after.id).not.toBe(planted);
    expect((await attacker.get('/me')).body).toEqual({ isAuthenticated: false });
    expect((await attacker.post('/start')).status).toBe(409);
    expect(await session()).toEqual(after);
  });

  it('leaves nothing of a user to the next one, neither properties nor beans', async () => {
    await login('ann');
    await client.post('/start');
    const anns = client.copy();
    expect(await session()).toMatchObject({ content: { cart: [] }, count: 1 });
    await client.post('/logout');
    expect(await session()).toMatchObject({ content: {}, count: 0 });
    await login('bob');
    expect(await session()).toMatchObject({ content: { passport: { user: 'bob' } }, count: 0 });
    expect((await anns.get('/me')).body).toEqual({ isAuthenticated: false });
  });

  it('ends the session of before, and tells it', async () => {
    await client.post('/start');
    const ended: unknown[] = [];
    const stop = server.app.get(SessionEvents).on('ended', ({ reason }) => ended.push(reason));
    await login('ann');
    stop();
    expect(ended).toEqual(['invalidated']);
  });

  it('refuses with 409 what overlapping requests did to the same array, and loses nothing', async () => {
    await client.post('/start');
    const answers = await Promise.all([1, 2, 3].map(() => client.post('/cart')));
    const stored = answers.filter(({ status }) => status === 201);
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
    expect((await session()).content).toEqual({ cart: stored.map(() => 'book') });
  });

  it('connect-flash: what one request says, the next one shows, once', async () => {
    expect((await client.post('/message')).headers['location']).toBe('/messages');
    expect((await client.get('/messages')).body).toEqual(['stored it', 'and more']);
    expect((await client.get('/messages')).body).toEqual([]);
  });
});
