import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Header, HttpCode, Post, Redirect, UnauthorizedException } from '@nestjs/common';
import { type ClearSiteDataOptions, HttpSession } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@Controller()
class LoginController {
  constructor(private readonly session: HttpSession) {}

  @Get()
  see(): string {
    return this.session.principal ?? 'nobody';
  }

  @Post('write')
  write(): void {
    this.session.set('note', 'hello');
  }

  @Post('renew')
  renew(): void {
    this.session.renewId();
  }

  @Post('invalidate')
  invalidate(): Promise<void> {
    return this.session.invalidate();
  }

  @Post('login')
  login(): Promise<void> {
    return this.session.login('ann');
  }

  @Post('login-and-redirect')
  @Redirect('/', 303)
  loginAndRedirect(): Promise<void> {
    return this.session.login('ann');
  }

  @Post('login-with-header')
  @Header('Clear-Site-Data', '"storage"')
  loginWithHeader(): Promise<void> {
    return this.session.login('ann');
  }

  @Post('login-that-fails')
  async loginThatFails(): Promise<never> {
    await this.session.login('ann');
    throw new UnauthorizedException();
  }

  /** The login is stored, and the request fails all the same. */
  @Post('login-that-fails-late')
  @HttpCode(422)
  async loginThatFailsLate(): Promise<void> {
    await this.session.login('ann');
    await this.session.flush();
  }

  @Post('logout')
  logout(): Promise<void> {
    return this.session.logout();
  }

  @Post('logout-with-message')
  async logoutWithMessage(): Promise<void> {
    await this.session.logout();
    this.session.set('note', 'bye');
  }

  @Post('logout-that-fails')
  async logoutThatFails(): Promise<never> {
    await this.session.logout();
    throw new UnauthorizedException();
  }

  @Post('switch')
  async switch(): Promise<void> {
    await this.session.logout();
    await this.session.login('bob');
  }

  @Post('login-and-out')
  async loginAndOut(): Promise<void> {
    await this.session.login('bob');
    await this.session.logout();
  }
}

const LOGIN = '"prefetchCache", "prerenderCache"';
const LOGOUT = '"cache", "prefetchCache", "prerenderCache"';

describe.each(adapters)('E5 Clear-Site-Data, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let client: Client;
  afterEach(() => server.close());

  async function start(clearSiteData?: ClearSiteDataOptions): Promise<void> {
    server = await startApplication({ adapter, controllers: [LoginController], session: { clearSiteData } });
    client = new Client(server.app);
  }
  const sent = async (path: string) => (await client.post(path)).get('Clear-Site-Data');

  describe('by option,', () => {
    beforeEach(() =>
      start({
        onLogin: ['prefetchCache', 'prerenderCache'],
        onLogout: ['cache', 'prefetchCache', 'prerenderCache'],
      }),
    );

    it.each([
      ['a login', '/login', LOGIN],
      ['a login that is answered with a redirect', '/login-and-redirect', LOGIN],
      ['a login whose handler has set the header, too', '/login-with-header', `"storage", ${LOGIN}`],
      ['a logout', '/logout', LOGOUT],
      ['a logout that leaves a message in a new session', '/logout-with-message', LOGOUT],
      ['a logout and a login of somebody else', '/switch', LOGIN],
      ['a login and a logout', '/login-and-out', LOGOUT],
    ])('is sent with %s, with and without a session', async (_, path, expected) => {
      expect(await sent(path)).toBe(expected);
      await client.post('/login');
      expect(await sent(path)).toBe(expected);
    });

    it.each([
      ['a login that fails', '/login-that-fails'],
      ['a login that was stored, in a request that fails', '/login-that-fails-late'],
      ['a logout whose request fails', '/logout-that-fails'],
      ['a change of an anonymous session', '/write'],
      ['a new id', '/renew'],
      ['an end that is no logout', '/invalidate'],
    ])('is not sent with %s', async (_, path) => {
      expect(await sent(path)).toBeUndefined();
      await client.post('/login');
      expect(await sent(path)).toBeUndefined();
    });

    it('is not sent to another site, whose page could otherwise make browsers forget', async () => {
      const fromOtherSite = async (path: string) =>
        (await client.agent.post(path).set('Sec-Fetch-Site', 'cross-site')).get('Clear-Site-Data');
      expect([await fromOtherSite('/logout'), await fromOtherSite('/login')]).toEqual([undefined, undefined]);
      await client.post('/write');
      // An identity provider sends its users back like this (form_post), with SameSite=None.
      expect(await fromOtherSite('/login')).toBe(LOGIN);
      expect(await fromOtherSite('/logout')).toBeUndefined();
    });

    it('is not sent with what follows a login', async () => {
      await client.post('/login');
      const answer = await client.get('/');
      expect([answer.text, answer.get('Clear-Site-Data')]).toEqual(['ann', undefined]);
    });
  });

  it('is not sent with a login alone', async () => {
    await start({ onLogout: ['cookies'] });
    expect([await sent('/login'), await sent('/logout')]).toEqual([undefined, '"cookies"']);
  });

  it('is off unless it is asked for, and the header of the application stays', async () => {
    await start();
    expect([await sent('/login'), await sent('/login-with-header'), await sent('/logout')]).toEqual([
      undefined,
      '"storage"',
      undefined,
    ]);
  });
});
