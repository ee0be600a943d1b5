import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, type INestApplication, Req } from '@nestjs/common';
import type { Request } from 'express';
import { useRequestSession } from 'nestjs-session-beans/request-session';
import * as openid from 'openid-client';
import { Strategy as OpenIdStrategy } from 'openid-client/passport';
import passport from 'passport';
import OAuth2Strategy from 'passport-oauth2';
import { Client } from '../../support/client.js';
import { type TestApplication, startApplication } from '../../support/platforms.js';
import { OAuthServer } from './oauth-server.js';

@Controller()
class UserController {
  @Get('me') me(@Req() { user, session }: Request): unknown {
    const { cookie: _cookie, ...content } = session;
    return { user, content };
  }

  @Get('visit') visit(@Req() { session }: Request): void {
    Object.assign(session, { visited: true });
  }
}

const clientOptions = { clientID: 'shop', clientSecret: 'secret of the shop' };

/** The strategies, each as its package documents it. Only the addresses are those of the test. */
const strategies = {
  'passport-oauth2 with state': (issuer: string, callbackURL: string) => oauth2(issuer, callbackURL, { state: true }),
  'passport-oauth2 with state and PKCE': (issuer: string, callbackURL: string) =>
    oauth2(issuer, callbackURL, { state: true, pkce: true }),
  'openid-client 6': async (issuer: string, callbackURL: string) => {
    const { clientID, clientSecret } = clientOptions;
    const execute = [openid.allowInsecureRequests];
    const config = await openid.discovery(new URL(issuer), clientID, clientSecret, undefined, { execute });
    return new OpenIdStrategy({ config, callbackURL, scope: 'openid' }, (tokens, verified) =>
      verified(null, { name: tokens.claims()?.sub }),
    );
  },
};

function oauth2(issuer: string, callbackURL: string, options: { state: true; pkce?: true }): passport.Strategy {
  const addresses = { authorizationURL: `${issuer}/authorize`, tokenURL: `${issuer}/token`, callbackURL };
  return new OAuth2Strategy(
    { ...addresses, ...clientOptions, ...options },
    (token: string, _refresh: string, _profile: object, done: OAuth2Strategy.VerifyCallback) =>
      done(null, { name: token.replace('token-of-', '') }),
  );
}

describe.each(Object.entries(strategies))('%s', (_name, strategyFor) => {
  let issuer: OAuthServer;
  let server: TestApplication;
  let client: Client;
  beforeAll(async () => {
    issuer = await OAuthServer.start();
    const strategy = await strategyFor(issuer.url, 'http://shop.test/callback');
    const prepare = (app: INestApplication): void => addRoutes(app, strategy);
    server = await startApplication({ adapter: 'express', controllers: [UserController], prepare });
  });
  afterAll(async () => {
    await server.close();
    await issuer.stop();
  });
  beforeEach(() => {
    client = new Client(server.app);
  });

  /** The client goes to the authorization server and comes back. @returns the path with which it comes back */
  async function authorized(from: Client): Promise<string> {
    const { headers } = await from.get('/login');
    const answer = await fetch(String(headers['location']), { redirect: 'manual' });
    const { pathname, search } = new URL(answer.headers.get('location') as string);
    return pathname + search;
  }

  it('keeps in the session what it has asked for, and logs in under a new id', async () => {
    await client.get('/visit');
    const back = await authorized(client);
    const { cookie } = client;
    const { content } = (await client.get('/me')).body as { content: object };
    expect(Object.keys(content)).toEqual(['visited', expect.any(String)]);
    expect((await client.get(back)).headers['location']).toBe('/me');
    expect(client.cookie).not.toBe(cookie);
    expect((await client.get('/me')).body).toEqual({
      user: { name: 'ann' },
      content: { passport: { user: { name: 'ann' } } },
    });
  });

  it('refuses an answer that belongs to the session of somebody else', async () => {
    const attackers = await authorized(new Client(server.app));
    await authorized(client);
    expect((await client.get(attackers)).status).toBeGreaterThanOrEqual(400);
    expect((await client.get('/me')).body).not.toHaveProperty('user');
  });

  it('refuses the same answer a second time', async () => {
    const back = await authorized(client);
    const other = client.copy();
    await client.get(back);
    expect((await other.get(back)).status).toBeGreaterThanOrEqual(400);
  });
});

function addRoutes(app: INestApplication, strategy: passport.Strategy): void {
  const authenticator = new passport.Passport();
  authenticator.use('provider', strategy);
  authenticator.serializeUser((user, done) => done(null, user));
  authenticator.deserializeUser((user: Express.User, done) => done(null, user));
  useRequestSession(app);
  app.use(authenticator.session());
  app.use('/login', authenticator.authenticate('provider'));
  app.use('/callback', authenticator.authenticate('provider', { successRedirect: '/me' }));
}
