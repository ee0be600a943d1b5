import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Get, HttpCode, Injectable, Logger, Post, Res, UseGuards, type CanActivate } from '@nestjs/common';
import { HttpSession, SessionEvents, SessionStateError, SessionStoreError } from 'nestjs-session-beans';
import { Client, setCookies } from '../support/client.js';
import { Counter } from '../support/counter.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

/** The part of the responses of Express and Fastify that these handlers use. */
interface FrameworkResponse {
  readonly raw?: ServerResponse;
  send(body: string): unknown;
  hijack?(): unknown;
}

type Call = (session: HttpSession, counter: Counter) => Promise<void>;

/** Calls of HttpSession that fail when the store does. */
const CALLS: Readonly<Record<string, Call>> = {
  'logout()': (session) => session.logout(),
  'invalidate()': (session) => session.invalidate(),
  'flush()': (session, counter) => {
    counter.value++;
    return session.flush();
  },
  'runExclusive()': (session, counter) => session.runExclusive(() => void counter.value++),
};

/** Which of them the handlers call. */
let call: Call;
let caught: unknown;

@Injectable()
class ForgetfulGuard implements CanActivate {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  canActivate(): boolean {
    void call(this.session, this.counter);
    return true;
  }
}

@Controller()
class ForgetfulController {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  @Post('count')
  count(): number {
    return ++this.counter.value;
  }

  @Get('peek')
  peek(): number {
    return this.counter.value;
  }

  @Post('returns')
  returns(): string {
    void call(this.session, this.counter);
    return 'done';
  }

  @Post('sends')
  sends(@Res() response: FrameworkResponse): void {
    void call(this.session, this.counter);
    response.send('done');
  }

  @Post('writes')
  writes(@Res() response: FrameworkResponse): void {
    response.hijack?.();
    const raw = response.raw ?? (response as unknown as ServerResponse);
    void call(this.session, this.counter);
    raw.writeHead(201);
    raw.write('do');
    raw.end('ne');
  }

  /** Has the session for itself until the response is sent. */
  @Post('answers-inside')
  async answersInside(@Res() response: FrameworkResponse): Promise<void> {
    response.hijack?.();
    const raw = response.raw ?? (response as unknown as ServerResponse);
    await this.session.runExclusive(async () => {
      this.counter.value++;
      await new Promise<void>((resolve) => void raw.end('done', resolve));
    });
  }

  @Post('two')
  two(@Res() response: FrameworkResponse): void {
    void this.session.flush();
    void call(this.session, this.counter);
    response.send('done');
  }

  @Post('guard')
  @UseGuards(ForgetfulGuard)
  guard(): string {
    return 'done';
  }

  @Post('refuses')
  @HttpCode(422)
  refuses(): string {
    void call(this.session, this.counter);
    return 'refused';
  }

  @Post('catches')
  async catches(): Promise<string> {
    try {
      await call(this.session, this.counter);
    } catch (error) {
      caught = error;
    }
    return 'done';
  }

  @Post('catches-later')
  async catchesLater(): Promise<string> {
    const calling = call(this.session, this.counter);
    await new Promise((resolve) => setImmediate(resolve));
    await calling.catch((error: unknown) => (caught = error));
    return 'done';
  }
}

/** Ways to answer without having waited. */
const ANSWERS = ['returns', 'sends', 'writes', 'guard'];

/**
 * A rejection that nobody handles ends a process of Node. Here it fails the test: jest sees to that.
 */
describe.each(adapters)('a handler that does not wait for its session, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let client: Client;
  let logged: jest.SpiedFunction<Logger['error']>;
  beforeEach(async () => {
    caught = undefined;
    logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    server = await startApplication({ adapter, beans: [Counter], controllers: [ForgetfulController] });
    client = new Client(server.app);
    await client.post('/count');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await server.close();
  });

  /** From now on the store fails, at some later time, as one behind a network does. */
  function takeStoreDown(): void {
    server.store.before = async (operation) => {
      if (operation === 'load') return;
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error('down');
    };
  }
  const bringStoreBack = (): void => void (server.store.before = () => undefined);

  describe.each(Object.entries(CALLS))('%s', (_, chosen) => {
    beforeEach(() => void (call = chosen));

    it.each(ANSWERS)('is answered with 503 when that fails, and the next client is served: %s', async (path) => {
      takeStoreDown();

      const response = await client.post(`/${path}`);

      expect([response.status, setCookies(response)]).toEqual([503, []]);
      expect(response.body).toMatchObject({ code: 'SESSION_STORE_UNAVAILABLE' });
      expect(response.text).not.toContain('done');
      bringStoreBack();
      expect(await client.text('/peek')).toBe('1');
      expect((await new Client(server.app).post('/count')).text).toBe('1');
    });

    it('is answered with 503 when the second call fails that it has forgotten', async () => {
      takeStoreDown();
      expect((await client.post('/two')).status).toBe(503);
    });

    it('is answered as it wanted where it fails itself; the failure is told', async () => {
      const untold: Error[] = [];
      server.app.get(SessionEvents).on('notStored', ({ error }) => untold.push(error));
      takeStoreDown();
      const response = await client.post('/refuses');
      expect([response.status, response.text]).toEqual([422, 'refused']);
      expect(untold).toEqual([expect.any(SessionStoreError)]);
    });

    it.each(['catches', 'catches-later'])(
      'does as it likes with a failure that it has waited for: %s',
      async (path) => {
        takeStoreDown();
        const response = await client.post(`/${path}`);
        expect([response.status, response.text]).toEqual([201, 'done']);
        expect(caught).toBeInstanceOf(SessionStoreError);
      },
    );

    it('needs no error log of its own: one says it', async () => {
      takeStoreDown();
      await client.post('/returns');
      expect(logged).toHaveBeenCalledTimes(1);
    });
  });

  it.each(ANSWERS)('is answered when its logout has happened, not before: %s', async (path) => {
    call = (session) => session.logout();
    const [ending, goOn] = [new Latch(), new Latch()];
    server.store.before = async (operation) => {
      if (operation !== 'destroy') return;
      ending.open();
      await goOn.opened;
    };
    let isAnswered = false;
    const former = client.copy();
    const answering = client.post(`/${path}`).finally(() => (isAnswered = true));
    await ending.opened;
    // A client of its own makes a round trip meanwhile.
    await new Client(server.app).post('/count');
    expect(isAnswered).toBe(false);
    goOn.open();
    expect((await answering).status).toBe(201);
    expect(await former.text('/peek')).toBe('0');
  });

  it('is not waited for by a response that it waits for itself', async () => {
    const patient = await RawClient.open(server.url);
    patient.request('/answers-inside', ['Connection: close', `Cookie: ${client.cookie}`], 'POST');
    const answer = await Promise.race([patient.response(), pause(20_000, undefined, { ref: false })]);
    patient.destroy();
    expect(answer).toMatchObject({ status: 201, body: 'done' });
    expect(await client.text('/peek')).toBe('2');
  });

  it.each(ANSWERS)('is answered with 500 when it logs in nobody: %s', async (path) => {
    call = (session) => session.login('');
    const response = await client.post(`/${path}`);
    expect([response.status, setCookies(response)]).toEqual([500, []]);
    expect(response.text).not.toContain('done');
    expect(await client.text('/peek')).toBe('1');
    expect((await new Client(server.app).post('/count')).text).toBe('1');
  });

  it('does as it likes with the error of a login of nobody that it has waited for', async () => {
    call = (session) => session.login('');
    expect((await client.post('/catches')).status).toBe(201);
    expect(caught).toBeInstanceOf(SessionStateError);
  });

  it('logs in all the same: the login happens with the response', async () => {
    call = (session) => session.login('ann');
    const logins: (string | undefined)[] = [];
    server.app.get(SessionEvents).on('login', ({ session }) => logins.push(session.principal));
    for (const path of ANSWERS) {
      const response = await client.post(`/${path}`);
      expect([response.status, setCookies(response).length]).toEqual([201, 1]);
    }
    expect(logins).toEqual(ANSWERS.map(() => 'ann'));
  });
});
