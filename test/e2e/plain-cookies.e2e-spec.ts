import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Logger, Post } from '@nestjs/common';
import { HttpSession, type SessionModuleOptions } from 'nestjs-session-beans';
import { Client, setCookies } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { reportedRisks } from '../support/reported-risks.js';

@Controller()
class NoteController {
  constructor(private readonly session: HttpSession) {}

  @Get()
  see(): string {
    return String(this.session.get('note'));
  }

  @Post()
  write(): void {
    this.session.set('note', 'hello');
  }
}

type Headers = Readonly<Record<string, string>>;

/** From a client that is not on this machine. */
const FROM_AFAR = { 'X-Forwarded-For': '203.0.113.1' };

describe.each(adapters)('C9 a session cookie without Secure, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let environment: string | undefined;
  let warned: jest.SpiedFunction<Logger['warn']>;
  beforeEach(() => {
    environment = process.env['NODE_ENV'];
    warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    process.env['NODE_ENV'] = environment;
    await server.close();
  });

  async function start(session: SessionModuleOptions = {}, trustProxy?: string, isProduction = false): Promise<void> {
    if (isProduction) process.env['NODE_ENV'] = 'production';
    server = await startApplication({ adapter, controllers: [NoteController], session, trustProxy });
  }

  /** @returns whether the cookie was `Secure`; undefined without one */
  async function write(headers: Headers = {}): Promise<boolean | undefined> {
    const response = await new Client(server.app).agent.post('/').set(headers);
    const [line] = setCookies(response);
    return line?.includes('; Secure');
  }
  const warnings = () => reportedRisks(warned).filter((text) => text.includes('Secure'));
  const untrusted = [
    expect.stringMatching(
      /^untrusted-proxy \(high\): A session cookie is sent without Secure, .*trust proxy.*trustProxy.*$/,
    ),
  ];
  const plainHttp = [
    expect.stringMatching(/^plain-http \(high\): A session cookie is sent without Secure in production, .*over TLS.*$/),
  ];

  it.each<[string, Headers]>([
    ['X-Forwarded-Proto', { 'X-Forwarded-Proto': 'https' }],
    ['X-Forwarded-Proto of several proxies', { 'X-Forwarded-Proto': 'https, http' }],
    ['Forwarded', { Forwarded: 'for=192.0.2.1;proto=https;by=192.0.2.9' }],
    ['Forwarded, in other letters', { Forwarded: 'For=192.0.2.1; Proto="HTTPS"' }],
  ])('is warned of once where a proxy that is not trusted speaks TLS: %s', async (_, headers) => {
    await start();
    expect([await write(headers), await write(headers)]).toEqual([false, false]);
    expect(warnings()).toEqual(untrusted);
  });

  it('is not warned of where the proxy is trusted, or speaks plain http', async () => {
    await start({}, 'loopback');
    expect(await write({ ...FROM_AFAR, 'X-Forwarded-Proto': 'https' })).toBe(true);
    expect(await write({ ...FROM_AFAR, 'X-Forwarded-Proto': 'http' })).toBe(false);
    expect(warnings()).toEqual([]);
  });

  it('is not warned of where no cookie is sent', async () => {
    await start();
    await new Client(server.app).agent.get('/').set('X-Forwarded-Proto', 'https');
    expect(warnings()).toEqual([]);
  });

  it('is warned of once in production, for clients elsewhere', async () => {
    await start({}, 'loopback', true);
    expect([await write(FROM_AFAR), await write(FROM_AFAR)]).toEqual([false, false]);
    expect(warnings()).toEqual(plainHttp);
  });

  it('is not warned of in production on the machine itself', async () => {
    await start({}, undefined, true);
    expect(await write()).toBe(false);
    expect(warnings()).toEqual([]);
  });

  it('is not warned of in development', async () => {
    await start({}, 'loopback');
    expect(await write(FROM_AFAR)).toBe(false);
    expect(warnings()).toEqual([]);
  });

  it.each<[string, SessionModuleOptions, boolean | undefined]>([
    ['wants cookies without it', { cookie: { secure: false } }, false],
    ['always wants it', { cookie: { secure: true } }, true],
    ['has no cookies', { idTransport: 'header' }, undefined],
  ])('is not warned of where the application %s', async (_, options, isSecure) => {
    await start(options, undefined, true);
    expect(await write({ 'X-Forwarded-Proto': 'https' })).toBe(isSecure);
    await server.close();
    await start(options, 'loopback', true);
    expect(await write(FROM_AFAR)).toBe(isSecure);
    expect(warnings()).toEqual([]);
  });
});
