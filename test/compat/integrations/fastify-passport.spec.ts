import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Authenticator, Strategy } from '@fastify/passport';
import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { useRequestSession } from 'nestjs-session-beans/request-session';
import { Client } from '../../support/client.js';
import { type TestApplication, startApplication } from '../../support/platforms.js';

interface User {
  readonly name: string;
}

/** Takes the header `x-user` for the truth. */
class HeaderStrategy extends Strategy {
  constructor() {
    super('header');
  }

  override authenticate(request: FastifyRequest): void {
    const name = request.headers['x-user'];
    if (typeof name === 'string') this.success({ name });
    else this.fail('nobody', 401);
  }
}

@Controller()
class UserController {
  @Get('me') me(@Req() request: FastifyRequest): unknown {
    const { cookie: _cookie, ...content } = request.session;
    return { user: request.user ?? 'nobody', isAuthenticated: request.isAuthenticated(), content };
  }

  @Post('cart') cart(@Req() request: FastifyRequest): void {
    request.session.set('cart', ['book'] as never);
  }

  @Post('logout') async logout(@Req() request: FastifyRequest): Promise<void> {
    await request.logOut();
  }

  @Get('messages') messages(@Res({ passthrough: true }) reply: FastifyReply): unknown {
    return reply.flash('error');
  }
}

describe('@fastify/passport on Fastify', () => {
  let server: TestApplication;
  let client: Client;
  beforeAll(async () => {
    const passport = new Authenticator();
    passport.use(new HeaderStrategy());
    passport.registerUserSerializer(async (user: User) => user.name);
    passport.registerUserDeserializer(async (name: string) => ({ name }));
    server = await startApplication({
      adapter: 'fastify',
      controllers: [UserController],
      prepare: (app) => {
        useRequestSession(app);
        const fastify = app as NestFastifyApplication;
        void fastify.register(passport.initialize() as never);
        void fastify.register(passport.secureSession() as never);
        const options = { successRedirect: '/me', failureRedirect: '/messages', failureFlash: true };
        const preValidation = passport.authenticate('header', options);
        fastify
          .getHttpAdapter()
          .getInstance()
          .post('/login', { preValidation }, () => 'unreached');
      },
    });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    client = new Client(server.app);
  });

  const login = (name: string) => client.agent.post('/login').set('x-user', name);
  const me = async (of = client) => (await of.get('/me')).body as object;

  it('logs in under a new id, and keeps nothing of the session of before', async () => {
    await client.post('/cart');
    const planted = client.copy();
    expect(await me()).toMatchObject({ user: 'nobody', content: { cart: ['book'] } });
    expect((await login('ann')).headers['location']).toBe('/me');
    expect(await me()).toEqual({ user: { name: 'ann' }, isAuthenticated: true, content: { passport: 'ann' } });
    expect(await me(planted)).toEqual({ user: 'nobody', isAuthenticated: false, content: {} });
  });

  it('logs out, and the session of the user has ended', async () => {
    await login('ann');
    const other = client.copy();
    await client.post('/logout');
    expect([await me(), await me(other)]).toEqual(
      [1, 2].map(() => ({ user: 'nobody', isAuthenticated: false, content: {} })),
    );
  });

  it('keeps messages of @fastify/flash in the session, once', async () => {
    expect((await client.post('/login')).headers['location']).toBe('/messages');
    expect((await client.get('/messages')).body).toEqual(['nobody']);
    expect((await client.get('/messages')).body).toEqual([]);
  });
});
