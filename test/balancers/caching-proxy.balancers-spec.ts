import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Header, Param, Post } from '@nestjs/common';
import { HttpSession } from 'nestjs-session-beans';
import { type CacheRule, CachingNginx } from '../support/caching-nginx.js';
import { Client, setCookies } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

/** The application means the opposite of what has to happen to a response with a cookie. */
function Cacheable(): MethodDecorator {
  const headers = {
    'Cache-Control': 'public, max-age=600',
    'CDN-Cache-Control': 'max-age=600',
    'Surrogate-Control': 'max-age=600',
    'X-Accel-Expires': '600',
  };
  return (...target) => {
    for (const [name, value] of Object.entries(headers)) Header(name, value)(...target);
  };
}

@Controller()
class ShopController {
  constructor(private readonly session: HttpSession) {}

  @Get('account')
  account(): string {
    return `the account of ${this.session.principal ?? 'nobody'}`;
  }

  /** The application says that a page may be kept, and not for whom. */
  @Get('account/max-age')
  @Header('Cache-Control', 'max-age=600')
  accountWithMaxAge(): string {
    return this.account();
  }

  @Get('greeting')
  @Cacheable()
  greeting(): string {
    this.session.set('greeted', true);
    return 'hello';
  }

  @Get('offer')
  @Cacheable()
  offer(): string {
    return `an offer for ${this.session.get('greeted') === true ? 'a guest' : 'everybody'}`;
  }

  @Post('login/:user')
  login(@Param('user') user: string): Promise<void> {
    return this.session.login(user);
  }

  @Get('logout')
  @Cacheable()
  async logout(): Promise<string> {
    await this.session.logout();
    return 'bye';
  }
}

@Controller('public')
class PublicController {
  private answers = 0;

  @Get()
  @Cacheable()
  page(): string {
    return `answer ${++this.answers}`;
  }

  @Get('silent')
  silent(): string {
    return `answer ${++this.answers}`;
  }
}

const caches: readonly { readonly cache: string; readonly ignored: readonly CacheRule[] }[] = [
  { cache: 'an nginx that caches', ignored: [] },
  { cache: 'one that ignores Vary', ignored: ['Vary'] },
  { cache: 'one that ignores Vary and Set-Cookie', ignored: ['Vary', 'Set-Cookie'] },
];

describe.each(adapters)('C10 $adapter', ({ adapter }) => {
  let server: TestApplication;
  beforeAll(async () => {
    server = await startApplication({ adapter, controllers: [ShopController, PublicController] });
  });
  afterAll(() => server.close());

  describe.each(caches)('behind $cache', ({ ignored }) => {
    let nginx: CachingNginx;
    let alice: Client;
    let bob: Client;
    let stranger: Client;
    beforeEach(async () => {
      nginx = await CachingNginx.start(new URL(server.url).host, ignored);
      [alice, bob, stranger] = [new Client(nginx.url), new Client(nginx.url), new Client(nginx.url)];
      await alice.post('/login/alice');
      await bob.post('/login/bob');
    });
    afterEach(() => nginx?.stop());

    it('a page that depends on the session is shown to nobody else', async () => {
      for (const [who, name] of [
        [alice, 'alice'],
        [alice, 'alice'],
        [bob, 'bob'],
        [stranger, 'nobody'],
        [alice, 'alice'],
      ] as const) {
        const answer = await who.get('/account');
        expect([answer.text, answer.get('X-Cache')]).toEqual([`the account of ${name}`, 'MISS']);
      }
    });

    it('a response that brings a session is given to one client, whatever the application said', async () => {
      const answers = [await stranger.get('/greeting'), await new Client(nginx.url).get('/greeting')];
      const ids = answers.map((answer) => setCookies(answer)[0]?.split(';')[0]);
      expect(ids).toEqual([expect.stringMatching(/^sid=.+/), expect.stringMatching(/^sid=.+/)]);
      expect(ids[0]).not.toBe(ids[1]);
      for (const answer of answers) {
        expect(answer.headers).toMatchObject({
          'cache-control': 'no-store',
          'cdn-cache-control': 'no-store',
          'surrogate-control': 'no-store',
          'x-cache': 'MISS',
        });
      }
    });

    it.each(['/logout', '/offer'])('a response of %s that takes a cookie back logs nobody else out', async (path) => {
      const former = alice.copy();
      expect(setCookies(await alice.get('/logout'))).toHaveLength(1);
      const answer = await former.get(path);
      expect(setCookies(answer)).toEqual([expect.stringContaining('Max-Age=0')]);
      expect(answer.get('CDN-Cache-Control')).toBe('no-store');

      for (const who of [stranger, bob]) expect(await who.text('/account')).not.toContain('alice');
      expect(setCookies(await new Client(nginx.url).get(path))).toEqual([]);
      expect(setCookies(await bob.get('/offer'))).toEqual([]);
      expect(await bob.text('/account')).toBe('the account of bob');
    });

    it.each(['/public', '/public/silent'])('%s, which needs no session, comes from the cache', async (path) => {
      const first = await alice.get(path);
      for (const who of [alice, bob, stranger]) {
        const answer = await who.get(path);
        expect([answer.text, answer.get('X-Cache')]).toEqual([first.text, 'HIT']);
      }
    });
  });

  it('behind an nginx that honours Vary, a page that may be kept is kept for its user alone', async () => {
    const nginx = await CachingNginx.start(new URL(server.url).host, []);
    const [alice, bob, stranger] = [new Client(nginx.url), new Client(nginx.url), new Client(nginx.url)];
    await alice.post('/login/alice');
    await bob.post('/login/bob');
    const seen: (readonly [string, string | undefined])[] = [];
    for (const who of [alice, bob, stranger, alice, bob, stranger]) {
      const answer = await who.get('/account/max-age');
      seen.push([answer.text, answer.get('X-Cache')]);
    }
    await nginx.stop();
    const names = ['alice', 'bob', 'nobody'];
    expect(seen).toEqual(
      ['MISS', 'HIT'].flatMap((cache) => names.map((name) => [`the account of ${name}`, cache] as const)),
    );
  });
});
