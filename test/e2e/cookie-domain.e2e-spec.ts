import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Logger, Post } from '@nestjs/common';
import { HttpSession, type SessionModuleOptions } from 'nestjs-session-beans';
import { Client, setCookies } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { reportedRisks } from '../support/reported-risks.js';

@Controller()
class NoteController {
  constructor(private readonly session: HttpSession) {}

  @Post()
  write(): void {
    this.session.set('note', 'hello');
  }
}

describe.each(adapters)('A9 cookie.domain, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let warned: jest.SpiedFunction<Logger['warn']>;
  beforeEach(() => {
    warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await server.close();
  });

  async function start(session: SessionModuleOptions, trustProxy?: string): Promise<void> {
    server = await startApplication({ adapter, controllers: [NoteController], session, trustProxy });
  }

  async function write(host: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const response = await new Client(server.app).agent.post('/').set('Host', host).set(headers);
    expect([response.status, setCookies(response).length]).toEqual([201, 1]);
  }
  const warnings = () => reportedRisks(warned);

  it('is not for the host that the client asked: browsers drop the cookie, and the log says so once', async () => {
    await start({ cookie: { domain: 'app.test' } });
    await write('localhost:3000');
    await write('myapp.test');
    expect(warnings()).toEqual([
      expect.stringMatching(/^cookie-domain \(high\): .* asked "localhost", which is no host/),
    ]);
  });

  it('is for the host itself and for all below it', async () => {
    await start({ cookie: { domain: 'app.test' } });
    for (const host of ['app.test', 'APP.test:80', 'a.b.app.test']) await write(host);
    expect(warnings()).toEqual([]);
  });

  it('is compared with the host of a trusted proxy', async () => {
    await start({ cookie: { domain: 'app.test' } }, 'loopback');
    await write('10.0.0.1', { 'X-Forwarded-Host': 'www.app.test' });
    expect(warnings()).toEqual([]);
  });

  it('is the own host without the option', async () => {
    await start({});
    await write('anything.test');
    expect(warnings()).toEqual([]);
  });
});
