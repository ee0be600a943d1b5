import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Inject, Logger } from '@nestjs/common';
import { HttpSession, SessionEvents, type SessionModuleOptions } from 'nestjs-session-beans';
import { generateSessionId } from '../../libs/session/src/store/session-id.js';
import { Counter } from '../support/counter.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';
import { RedisServer } from '../support/redis-server.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { secretOf } from '../support/secret-of.js';

@Controller()
class CountController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('end') async end(): Promise<void> {
    await this.session.invalidate();
  }

  @Get('peek') peek(): string {
    return `n=${this.counter.value}`;
  }
}

const SIGNED = { signingKeys: ['a key of enough bytes'] };
const CROSS_SITE = ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'];

describe.each(
  adapters.flatMap(
    ({ adapter }) =>
      [
        { adapter, kind: 'memory' },
        { adapter, kind: 'Redis' },
      ] as const,
  ),
)('a request without the session that its client may have, $adapter, $kind,', ({ adapter, kind }) => {
  let redis: RedisServer | undefined;
  let server: TestApplication;
  let reasons: string[];
  let logged: Record<'log' | 'warn', jest.SpiedFunction<Logger['log']>>;
  beforeAll(async () => {
    if (kind === 'Redis') redis = await RedisServer.start();
  });
  afterAll(() => redis?.stop());
  beforeEach(() => {
    const silent = (name: 'log' | 'warn') => jest.spyOn(Logger.prototype, name).mockImplementation(() => undefined);
    logged = { log: silent('log'), warn: silent('warn') };
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await server.close();
  });

  async function start(options: SessionModuleOptions = {}): Promise<void> {
    reasons = [];
    const store = redis && { store: await readyRedisStore({ url: redis.url }) };
    const session = { ...options, ...store };
    server = await startApplication({ adapter, beans: [Counter], controllers: [CountController], session });
    server.app.get(SessionEvents).on('ignored', ({ reason }) => reasons.push(reason));
  }
  const get = (path: string, ...headers: string[]) => RawClient.exchange(server.url, path, headers);
  const newToken = async () => (await get('/count')).cookies[0]?.match(/^sid=([^;]+)/)?.[1] ?? '';
  const lines = () =>
    (['log', 'warn'] as const).flatMap((level) =>
      logged[level].mock.calls.flatMap(([text]) =>
        String(text).includes('session.ignored') ? [[level, /"([\w-]+)"\)$/.exec(String(text))?.[1]]] : [],
      ),
    );

  it('is counted with the reason each time, and logged once for each, without the id', async () => {
    await start(SIGNED);
    const [one, two] = [await newToken(), await newToken()];
    const forged = one.slice(0, 65) + two.slice(65);
    for (let round = 0; round < 3; round++) {
      await get('/peek', 'Cookie: sid=s%3Aabc.def');
      await get('/peek', `Cookie: sid=${forged}`);
      await get('/peek', `Cookie: sid=x; sid=${forged}`);
      await get('/peek', `Cookie: sid=${one}; sid=${two}`);
      await get('/count', ...CROSS_SITE);
    }
    const round = ['malformed', 'wrong-signature', 'wrong-signature', 'ambiguous', 'withheld'];
    expect(reasons).toEqual([...round, ...round, ...round]);
    expect(lines()).toEqual([
      ['log', 'malformed'],
      ['warn', 'wrong-signature'],
      ['warn', 'ambiguous'],
      ['warn', 'withheld'],
    ]);
    const texts = JSON.stringify([logged.log.mock.calls, logged.warn.mock.calls]);
    for (const token of [one, two]) expect(texts).not.toContain(secretOf(token));
  });

  it('is unknown where the id opens nothing: made up, of another secret, or of a session that is over', async () => {
    await start();
    const token = await newToken();
    for (const id of [generateSessionId(), token.slice(0, 22) + generateSessionId().slice(22)])
      await get('/peek', `Cookie: sid=${id}`);
    await get('/peek', `Cookie: sid=${generateSessionId()}; sid=${generateSessionId()}`);
    await get('/end', `Cookie: sid=${token}`);
    expect(reasons).toHaveLength(3);
    await get('/peek', `Cookie: sid=${token}`);
    expect(reasons).toEqual(['unknown', 'unknown', 'unknown', 'unknown']);
    expect(lines()).toEqual([['log', 'unknown']]);
  });

  it('is not counted where there is one, or the client presents none', async () => {
    await start();
    const token = await newToken();
    const others = ['', 'sid=', 'other=1', `sid=${token}`, `sid=x; sid=${token}`];
    for (const cookie of [...others, `sid=${generateSessionId()}; sid=${token}`])
      expect((await get('/peek', `Cookie: ${cookie}`)).body).toBe(cookie.includes(token) ? 'n=1' : 'n=0');
    expect([reasons, lines()]).toEqual([[], []]);
  });

  it.each([
    ['no id', 'nonsense', 'malformed'],
    ['the id of no session', generateSessionId(), 'unknown'],
    ['two of them', 'a, b', 'ambiguous'],
  ])('is counted for ids in a header, too: %s', async (_, value, reason) => {
    await start({ idTransport: 'header' });
    await get('/peek', `X-Session-Id: ${value}`);
    await get('/peek', 'X-Session-Id:');
    expect(reasons).toEqual([reason]);
  });
});
