import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Delete, Get, HttpCode, Inject } from '@nestjs/common';
import { HttpSession, MemorySessionStore, SessionEvents, type SessionModuleOptions } from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import { generateSessionId } from '../../libs/session/src/store/session-id.js';
import { Counter } from '../support/counter.js';
import { CountingStore } from '../support/counting-store.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

@Controller()
class CountController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('peek') peek(): string {
    return `n=${this.counter.value}`;
  }

  @Get('renew') renew(): string {
    this.session.renewId();
    return 'ok';
  }

  @Get('log-in') async logIn(): Promise<void> {
    await this.session.login('ann');
  }

  @Delete('session') @HttpCode(204) async invalidate(): Promise<void> {
    await this.session.invalidate();
  }
}

const SECRET = 'a secret of enough bytes';

/** Tells a client to forget its cookie. */
const REMOVED = 'sid=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0';

describe.each(adapters)('R4 the id that a client presents, $adapter', ({ adapter }) => {
  let server: TestApplication;
  let clock: ManualClock;
  let token: string;
  const start = async (session: SessionModuleOptions = {}): Promise<void> => {
    clock = new ManualClock();
    const store = new CountingStore(new MemorySessionStore({ clock }));
    const options = { adapter, beans: [Counter], controllers: [CountController], store };
    server = await startApplication({ ...options, session: { clock, ...session } });
  };
  const get = (path: string, ...headers: string[]) => RawClient.exchange(server.url, path, headers);
  const newToken = async (): Promise<string> => (await get('/count')).cookies[0]?.match(/^sid=([^;]+)/)?.[1] ?? '';

  describe('without secrets', () => {
    beforeAll(() => start());
    afterAll(() => server.close());
    beforeEach(async () => {
      token = await newToken();
      server.store.reset();
    });

    it.each([
      ['B1 no header', () => []],
      ['B1 an empty header', () => ['Cookie: ']],
      ['B1 an empty value', () => ['Cookie: sid=']],
      ['B1 no value', () => ['Cookie: sid']],
      ['B2 15,000 characters', () => [`Cookie: sid=${'a'.repeat(15_000)}`]],
      ['B4 high bytes before the name', () => ['Cookie: \xa0sid=' + token]],
      ['B4 high bytes in the id', () => [`Cookie: sid=${token.slice(0, 42)}\xe9`]],
      ['B5 64 characters', () => [`Cookie: sid=${token.slice(1)}`]],
      ['B5 66 characters', () => [`Cookie: sid=${token}A`]],
      ['B5 the selector alone', () => [`Cookie: sid=${token.slice(0, 22)}`]],
      ['B5 a dot between selector and secret', () => [`Cookie: sid=${token.slice(0, 22)}.${token.slice(22)}`]],
      ['B5 a secret with bits that decode to nothing', () => [`Cookie: sid=${token.slice(0, 64)}B`]],
      ['B5 one character', () => ['Cookie: sid=A']],
      ['B5 a plus', () => [`Cookie: sid=+${token.slice(1)}`]],
      ['B5 padding', () => [`Cookie: sid=${token}=`]],
      ['B5 an encoded NUL', () => [`Cookie: sid=${token}%00`]],
      ['B5 broken encoding', () => ['Cookie: sid=%E0%A4%A']],
      ['B8 a path', () => ['Cookie: sid=../../etc/passwd']],
      ['B8 a wildcard', () => ['Cookie: sid=*']],
      ['B8 a name of Object.prototype', () => ['Cookie: sid=__proto__']],
      ['B11 an empty name', () => [`Cookie: =sid=${token}`]],
      ['B11 upper case', () => [`Cookie: SID=${token}`]],
      ['B12 quotes', () => [`Cookie: sid="${token}"`]],
      ['B14 another header', () => [`X-Session-Id: ${token}`]],
      ['B17 five fields behind it', () => [`Cookie: sid=${token}.a.b.c.d.e`]],
      ['B17 a route alone', () => ['Cookie: sid=.n1']],
      ['B17 a dot', () => [`Cookie: sid=${token}.`]],
      ['B17 a path as route', () => [`Cookie: sid=${token}.../`]],
      ['B17 a long route', () => [`Cookie: sid=${token}.${'a'.repeat(10_000)}`]],
    ])('%s is no session and no store call', async (_, headers) => {
      expect(await get('/peek', ...headers())).toMatchObject({ status: 200, body: 'n=0', cookies: [] });
      expect(server.store.total).toBe(0);
    });

    it.each([
      ['B9 the same value twice', () => [`Cookie: sid=${token}; sid=${token}`]],
      ['A2 B9 a cookie of that name of another application', () => [`Cookie: sid=s%3Aabc.def; sid=${token}`]],
      ['A2 B9 an empty one', () => [`Cookie: sid=; sid=${token}`]],
      ['A2 B9 the id of a session that there is not', () => [`Cookie: sid=${generateSessionId()}; sid=${token}`]],
      ['B10 two headers', () => ['Cookie: a=b', `Cookie: sid=${token}`]],
      ['B10 200 others', () => [`Cookie: ${'a=b; '.repeat(200)}sid=${token}`]],
      ['B11 attributes of RFC 2965', () => [`Cookie: $Version=1; sid=${token}; $Path=/`]],
      ['B13 __proto__ beside it', () => [`Cookie: __proto__=1; sid=${token}; constructor=2`]],
      ['B17 the route of another server', () => [`Cookie: sid=${token}.s7`]],
    ])('%s is the session', async (_, headers) => {
      expect(await get('/peek', ...headers())).toMatchObject({ status: 200, body: 'n=1' });
    });

    it.each([
      ['B2 a header of 20 kB', 431, () => `Cookie: sid=${'a'.repeat(20_000)}`],
      ['B3 NUL in the header', 400, () => `Cookie: sid=${token}\0`],
    ])('%s is refused by Node with %i', async (_, status, header) => {
      expect((await get('/peek', header())).status).toBe(status);
      expect(server.store.total).toBe(0);
    });

    it.each(['/peek?sid=', '/peek;sid='])('B15 %s in the address does not count', async (path) => {
      expect((await get(path + token)).body).not.toBe('n=1');
      expect(server.store.total).toBe(0);
    });

    it('A2 B9 beside the id of another session that lives is no session: nobody knows which one is meant', async () => {
      const reasons: string[] = [];
      const stop = server.app.get(SessionEvents).on('ignored', ({ reason }) => reasons.push(reason));
      const both = `Cookie: sid=${token}; sid=${await newToken()}`;
      expect(await get('/peek', both)).toMatchObject({ status: 200, body: 'n=0', cookies: [] });
      stop();
      expect(reasons).toEqual(['ambiguous']);
    });

    it('A2 with that of another session starts none and ends none: no cookie may be replaced', async () => {
      const planted = await newToken();
      const both = `Cookie: sid=${planted}; sid=${token}`;
      server.store.reset();
      expect(await get('/count', both)).toMatchObject({ status: 400, cookies: [] });
      expect(await RawClient.exchange(server.url, '/session', [both], 'DELETE')).toMatchObject({
        status: 400,
        cookies: [],
      });
      expect(server.store.calls).toMatchObject({ save: 0, destroy: 0 });
      for (const one of [planted, token]) expect((await get('/peek', `Cookie: sid=${one}`)).body).toBe('n=1');
    });

    it('A2 with that of another session begins one for a login', async () => {
      const both = `Cookie: sid=${await newToken()}; sid=${token}`;
      const loggedIn = await get('/log-in', both);
      expect(loggedIn).toMatchObject({ status: 200, cookies: [expect.stringMatching(/^sid=/)] });
      expect((await get('/peek', `Cookie: ${loggedIn.cookies[0]?.split(';')[0]}`)).body).toBe('n=0');
    });

    it('F15 that nobody has costs a load, and a look right before the head', async () => {
      expect(await get('/peek', `Cookie: sid=${generateSessionId()}`)).toMatchObject({ cookies: [REMOVED] });
      expect(server.store.calls.load).toBe(2);
    });

    it('A2 is not asked for where a client presents more than three', async () => {
      const ids = Array.from({ length: 20 }, () => `sid=${generateSessionId()}`);
      expect((await get('/peek', `Cookie: ${ids.join('; ')}; sid=${token}`)).body).toBe('n=0');
      expect(server.store.calls.load).toBe(0);
    });

    it('B6 F17 that nobody has is never adopted, and the client is told to forget it', async () => {
      const planted = generateSessionId();
      expect(await get('/peek', `Cookie: sid=${planted}`)).toMatchObject({ body: 'n=0', cookies: [REMOVED] });
      expect(server.store.calls).toMatchObject({ save: 0, touch: 0, destroy: 0 });
      const started = await get('/count', `Cookie: sid=${planted}`);
      expect(started).toMatchObject({ body: 'n=1', cookies: [expect.not.stringContaining(planted)] });
      expect(started.cookies).not.toEqual([REMOVED]);
      expect((await get('/peek', `Cookie: sid=${planted}`)).body).toBe('n=0');
    });

    describe('E2 in a request from another site, with which the browser sends a cookie of somebody else only', () => {
      const SITE = ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: empty'];

      it.each([
        ['one of another application', () => 's%3Aabc.def'],
        ['one that was made up', () => generateSessionId()],
        ['an empty one', () => ''],
      ])('changes no cookie of ours: %s', async (_, value) => {
        for (const path of ['/peek', '/count', '/renew']) {
          expect(await get(path, ...SITE, `Cookie: sid=${value()}`)).toMatchObject({ status: 200, cookies: [] });
        }
        const end = await RawClient.exchange(server.url, '/session', [...SITE, `Cookie: sid=${value()}`], 'DELETE');
        expect(end).toMatchObject({ status: 204, cookies: [] });
      });

      it('is the session if it opens one, and may get a new id', async () => {
        const renewed = await get('/renew', ...SITE, `Cookie: sid=${token}`);
        expect(renewed.cookies).toEqual([expect.stringMatching(/^sid=[\w-]{65};/)]);
      });
    });

    it('I1 with another secret is no session, and changes nothing', async () => {
      const forged = token.slice(0, 22) + generateSessionId().slice(22);
      for (const path of ['/peek', '/renew', '/count']) {
        expect((await get(path, `Cookie: sid=${forged}`)).body).not.toBe('n=2');
      }
      const end = await RawClient.exchange(server.url, '/session', [`Cookie: sid=${forged}`], 'DELETE');
      expect(end.status).toBe(204);
      expect(await get('/peek', `Cookie: sid=${token}`)).toMatchObject({ body: 'n=1', cookies: [] });
    });

    it('R22 a late request may read but start no session, and gets no cookie', async () => {
      await get('/renew', `Cookie: sid=${token}`);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => get(n % 2 ? '/count' : '/peek', `Cookie: sid=${token}`)),
      );
      expect(answers.flatMap(({ cookies }) => cookies)).toEqual([]);
      expect(new Set(answers.filter((_, n) => n % 2).map(({ status }) => status))).toEqual(new Set([409]));
      expect(new Set(answers.filter((_, n) => !(n % 2)).map(({ body }) => body))).toEqual(new Set(['n=0']));
      clock.advance(10 * 60_000);
      expect((await get('/count', `Cookie: sid=${token}`)).body).toBe('n=1');
    });

    it.each([
      ['its end', () => RawClient.exchange(server.url, '/session', [`Cookie: sid=${token}`], 'DELETE')],
      ['its expiry', async () => clock.advance(24 * 3_600_000)],
    ])('B18 R22 A3 is worth nothing after %s, and the client is told to forget it', async (_, end) => {
      await end();
      expect(await get('/peek', `Cookie: sid=${token}`)).toMatchObject({
        status: 200,
        body: 'n=0',
        cookies: [REMOVED],
      });
    });

    it('B18 R22 is worth nothing after its renewal; the cookie, maybe the new one by now, is left alone', async () => {
      await get('/renew', `Cookie: sid=${token}`);
      expect(await get('/peek', `Cookie: sid=${token}`)).toMatchObject({ status: 200, body: 'n=0', cookies: [] });
    });

    it('is taken from nothing by a logout: B23', async () => {
      const logout = (...headers: string[]) => RawClient.exchange(server.url, '/session', headers, 'DELETE');
      expect(await logout()).toMatchObject({ status: 204, cookies: [] });
      expect(await logout(`Cookie: sid=${generateSessionId()}`)).toMatchObject({ status: 204, cookies: [REMOVED] });
      expect(server.store.calls.save).toBe(0);
    });
  });

  describe('on a server with a route', () => {
    beforeAll(() => start({ nodeName: 's1' }));
    afterAll(() => server.close());

    it('R38 gets the route of the server that answers, whatever stood behind it', async () => {
      token = await newToken();
      expect(token).toMatch(/^[\w-]{65}\.s1$/);
      const id = token.slice(0, 65);
      expect(await get('/peek', `Cookie: sid=${token}`)).toMatchObject({ body: 'n=1', cookies: [] });
      for (const presented of [`${id}.s2`, id]) {
        const { body, cookies } = await get('/peek', `Cookie: sid=${presented}`);
        expect(body).toBe('n=1');
        expect(cookies).toEqual([expect.stringContaining(`sid=${token};`)]);
      }
    });

    it('is left alone where its route is that of another server, which has a store of its own', async () => {
      const id = generateSessionId();
      expect(await get('/peek', `Cookie: sid=${id}.s2`)).toMatchObject({ status: 200, body: 'n=0', cookies: [] });
      expect(await get('/peek', `Cookie: sid=${id}.s1`)).toMatchObject({ body: 'n=0', cookies: [REMOVED] });
    });

    it('A3 is removed, not given out again, by the request that ends the session', async () => {
      const id = (await newToken()).slice(0, 65);
      const response = await RawClient.exchange(server.url, '/session', [`Cookie: sid=${id}.s2`], 'DELETE');
      expect(response).toMatchObject({ status: 204, cookies: [REMOVED] });
    });
  });

  describe('with secrets', () => {
    beforeAll(() => start({ signingKeys: ['the newest of the secrets', SECRET] }));
    afterAll(() => server.close());

    it('B7 is refused without a store call when its signature is not one of ours', async () => {
      const [one, two] = [await newToken(), await newToken()];
      server.store.reset();
      const forged = [
        one.slice(0, 65),
        one.slice(0, -1),
        generateSessionId() + one.slice(65),
        one.slice(0, 65) + two.slice(65),
        one.slice(0, 22) + two.slice(22),
        `${one.slice(0, -1)}${one.endsWith('A') ? 'Q' : 'A'}`,
      ];
      for (const presented of forged) {
        expect(await get('/peek', `Cookie: sid=${presented}`)).toMatchObject({ body: 'n=0', cookies: [] });
      }
      expect(server.store.total).toBe(0);
      expect((await get('/peek', `Cookie: sid=${one}`)).body).toBe('n=1');
    });

    it('R45 is accepted when an older secret signed it', async () => {
      const { store } = server;
      const older = await startApplication({
        adapter,
        beans: [Counter],
        controllers: [CountController],
        store,
        session: { clock, signingKeys: [SECRET] },
      });
      const { cookies } = await RawClient.exchange(older.url, '/count');
      expect((await get('/peek', `Cookie: ${cookies[0]?.split(';')[0]}`)).body).toBe('n=1');
      await older.close();
    });
  });
});
