import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post } from '@nestjs/common';
import { HttpSession, type SessionModuleOptions } from 'nestjs-session-beans';
import { Counter } from '../support/counter.js';
import { nestIsAtLeast } from '../support/nest-release.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient, type RawResponse } from '../support/raw-client.js';

@Controller()
class CountController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Post('renew') renew(): void {
    this.session.renewId();
  }

  @Post('logout') async logout(): Promise<void> {
    await this.session.logout();
  }
}

const TLS = 'X-Forwarded-Proto: https';
const SECURE = /^__Host-sid=[\w-]{65}; Path=\/; HttpOnly; Secure; SameSite=Lax$/;
const PLAIN = /^sid=[\w-]{65}; Path=\/; HttpOnly; SameSite=Lax$/;

describe.each(adapters)('behind a proxy, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  afterEach(() => server.close());

  async function start(trustProxy?: string, session: SessionModuleOptions = {}): Promise<void> {
    server = await startApplication({
      adapter,
      beans: [Counter],
      controllers: [CountController],
      session,
      trustProxy,
    });
  }
  const count = (...headers: string[]) => RawClient.exchange(server.url, '/count', headers);
  const post = (path: string, ...headers: string[]) => RawClient.exchange(server.url, path, headers, 'POST');
  const pairOf = ({ cookies }: RawResponse): string => cookies[0]?.split(';')[0] ?? '';

  it('R3 the cookie is Secure and bound to the host where a trusted one speaks TLS', async () => {
    await start('loopback');
    const secure = await count(TLS);
    expect(secure.cookies).toEqual([expect.stringMatching(SECURE)]);
    expect(await count(TLS, `Cookie: ${pairOf(secure)}`)).toMatchObject({ body: 'n=2', cookies: [] });
  });

  it.each([
    ['https,http', SECURE],
    ['https, http, http', SECURE],
    ['http,https', PLAIN],
    [',https', PLAIN],
    ['http', PLAIN],
  ])('A7 the first of several protocols is that of the client: %s', async (protocols, line) => {
    await start('loopback');
    expect((await count(`X-Forwarded-Proto: ${protocols}`)).cookies).toEqual([expect.stringMatching(line)]);
  });

  it('A7 two headers count as one', async () => {
    await start('loopback');
    const { cookies } = await count(TLS, 'X-Forwarded-Proto: http');
    expect(cookies).toEqual([expect.stringMatching(SECURE)]);
  });

  it.each([[undefined], ['192.0.2.1']])(
    'A7 nothing of it counts from a peer that is not trusted: %s',
    async (trust) => {
      await start(trust);
      // Fastify 5.2, which Nest 11.0 brings, takes the protocol from every proxy as soon as it trusts one.
      const believes = adapter === 'fastify' && trust !== undefined && !nestIsAtLeast('11.1.18');
      for (const protocols of believes ? ['http'] : ['https,http', 'https', 'https,https'])
        expect((await count(`X-Forwarded-Proto: ${protocols}`)).cookies).toEqual([expect.stringMatching(PLAIN)]);
    },
  );

  describe('A6 a server passes the Secure cookie of its client on over plain http, which', () => {
    it('is the session, and the client gets no second name', async () => {
      await start('loopback');
      const pair = pairOf(await count(TLS));
      expect(await count(`Cookie: ${pair}`)).toMatchObject({ body: 'n=2', cookies: [] });

      const renewed = await post('/renew', `Cookie: ${pair}`);
      expect(renewed.cookies).toEqual([expect.stringMatching(SECURE)]);
      expect((await count(TLS, `Cookie: ${pairOf(renewed)}`)).body).toBe('n=3');

      expect((await post('/logout', `Cookie: ${pairOf(renewed)}`)).cookies).toEqual([
        '__Host-sid=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0',
      ]);
    });

    it.each(['', 'garbage'])('is replaced under its name where it opens nothing: %p', async (value) => {
      await start();
      expect((await count(`Cookie: __Host-sid=${value}`)).cookies).toEqual([expect.stringMatching(SECURE)]);
    });

    it('wins over the plain one, which somebody on the way of plain http may have planted', async () => {
      await start('loopback');
      const secure = pairOf(await count(TLS));
      const plain = pairOf(await count());
      expect(plain).toMatch(/^sid=/);
      await count(TLS, `Cookie: ${secure}`);
      for (const both of [`${secure}; ${plain}`, `${plain}; ${secure}`]) {
        expect(await count(`Cookie: ${both}`)).toMatchObject({ body: expect.stringMatching(/^n=[34]$/), cookies: [] });
      }
      await post('/logout', `Cookie: ${secure}`);
      expect((await count(`Cookie: ${plain}; ${secure}`)).body).toBe('n=1');
      expect((await count(`Cookie: ${plain}`)).body).toBe('n=2');
    });

    it('is the only one that counts over TLS', async () => {
      await start('loopback');
      const plain = pairOf(await count());
      expect(await count(TLS, `Cookie: ${plain}`)).toMatchObject({
        body: 'n=1',
        cookies: [expect.stringMatching(SECURE)],
      });
    });

    it('has the prefix __Secure- with a domain', async () => {
      await start(undefined, { cookie: { domain: 'app.test' } });
      const line = /^__Secure-sid=[\w-]{65}; Path=\/; HttpOnly; Secure; SameSite=Lax; Domain=app\.test$/;
      expect((await count('Cookie: __Secure-sid=x')).cookies).toEqual([expect.stringMatching(line)]);
    });

    it('is none of ours where the application wants no Secure cookie', async () => {
      await start('loopback', { cookie: { secure: false } });
      expect((await count('Cookie: __Host-sid=x')).cookies).toEqual([expect.stringMatching(PLAIN)]);
    });
  });
});
