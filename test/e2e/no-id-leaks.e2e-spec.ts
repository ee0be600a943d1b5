import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { Controller, Delete, Get, Inject, type LoggerService, Logger } from '@nestjs/common';
import { HttpSession, SessionEvents } from 'nestjs-session-beans';
import { AnsweringController } from '../support/answering-controller.js';
import { Counter } from '../support/counter.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';
import { secretOf } from '../support/secret-of.js';
import { waysToAnswer } from '../support/ways-to-answer.js';

const EVENTS = ['created', 'login', 'renewed', 'ended', 'conflict', 'undecodable', 'storeFailed', 'notStored'] as const;

@Controller('session')
class SessionController {
  @Inject() private readonly session!: HttpSession;

  @Get() show(): string {
    return inspect(this.session, { depth: 1 }) + JSON.stringify([this.session.exists, this.session.expiresAt]);
  }

  @Get('renew') renew(): string {
    this.session.renewId();
    return 'ok';
  }

  @Get('login') async login(): Promise<string> {
    await this.session.login('ann');
    await this.session.flush();
    return `logged in to ${this.session.handle}`;
  }

  @Get('unstorable') unstorable(): string {
    this.session.set('function', () => 'text');
    return 'ok';
  }

  @Delete() async end(): Promise<string> {
    await this.session.invalidate();
    return 'ok';
  }
}

describe.each(adapters)('R8 an id, $adapter', ({ adapter }) => {
  let server: TestApplication;
  const said: string[] = [];
  const log = (...parts: unknown[]): void => void said.push(parts.map((part) => inspect(part, { depth: 6 })).join(' '));
  const logger: LoggerService = { log, error: log, warn: log, debug: log, verbose: log, fatal: log };
  beforeAll(async () => {
    server = await startApplication({
      adapter,
      beans: [Counter],
      controllers: [AnsweringController, SessionController],
      prepare: (app) => app.useLogger(logger),
    });
    const events = server.app.get(SessionEvents);
    for (const name of EVENTS) events.on(name, (event) => log(name, event));
  });
  afterAll(async () => {
    await server.close();
    Logger.overrideLogger(false);
  });

  it('appears in Set-Cookie and nowhere else', async () => {
    const ids = new Set<string>();
    const exchange = async (path: string, cookie: string, method?: string): Promise<string> => {
      const response = await RawClient.exchange(server.url, path, cookie ? [`Cookie: ${cookie}`] : [], method);
      // `mine` is a cookie that the application sets itself.
      const line = response.cookies.find((one) => one.startsWith('sid=') && !one.startsWith('sid=mine'));
      const id = line?.slice('sid='.length, line.indexOf(';'));
      // Empty: the client is told to forget its id.
      if (id) ids.add(id);
      const others = response.head
        .split('\r\n')
        .filter((header) => !header.toLowerCase().startsWith('set-cookie: sid='));
      said.push(others.join('\n'), response.body);
      return line?.split(';')[0] ?? cookie;
    };
    const { successes, failures } = waysToAnswer;
    const ways = [...successes, ...failures].filter((way) => way.adapter === adapter);
    for (const isDown of [false, true]) {
      let cookie = await exchange('/answers/value', '');
      server.store.before = (operation) => {
        if (isDown && operation === 'save') throw new Error('down');
      };
      for (const { path, method } of ways) {
        await exchange(`/answers/${path}`, '', method);
        cookie = await exchange(`/answers/${path}`, cookie, method);
      }
      for (const path of [
        '/session',
        '/session/unstorable',
        '/session/renew',
        '/session/login',
        '/session',
        '/nothing',
      ]) {
        cookie = await exchange(path, cookie);
      }
      await Promise.all(Array.from({ length: 20 }, () => exchange('/answers/async', cookie)));
      await exchange('/session', cookie, 'DELETE');
      server.store.before = () => undefined;
    }
    expect(ids.size).toBeGreaterThan(20);
    const text = said.join('\n');
    for (const told of ['SessionStoreError', 'logged in to sh1_']) expect(text.includes(told)).toBe(true);
    expect([...ids].filter((id) => text.includes(secretOf(id)))).toEqual([]);
  });
});
