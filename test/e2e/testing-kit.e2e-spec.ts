import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, Scope } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  HttpSession,
  SessionBeanError,
  SessionContext,
  SessionEndedError,
  SessionModule,
  type SessionModuleOptions,
} from 'nestjs-session-beans';
import { FakeHttpSession, ManualClock, type TestSession, createTestSession } from 'nestjs-session-beans/testing';
import request from 'supertest';
import { Counter } from '../support/counter.js';
import { liveSessionCount } from '../support/live-session-count.js';
import { type TestApplication, adapters, platforms, startApplication } from '../support/platforms.js';
import { patterns } from '../support/session-patterns.js';

@Controller()
class StateController {
  constructor(
    private readonly counter: Counter,
    private readonly session: HttpSession,
  ) {}

  @Get() state(): object {
    const { session } = this;
    return { count: this.counter.value, user: session.principal, theme: session.get('theme'), is: session.handle };
  }

  @Post('login') async login(): Promise<void> {
    await this.session.login('bob');
  }
}

const MINUTE = 60_000;
const filled = {
  principal: 'ann',
  attributes: { theme: 'dark' },
  setUp: ({ bean }: { bean: (type: typeof Counter) => Counter }) => (bean(Counter).value = 7),
};

let application: TestApplication;
afterEach(() => application.close());

async function start(options: Partial<Parameters<typeof startApplication>[0]> = {}): Promise<void> {
  const defaults = { adapter: 'express' as const, beans: [Counter], controllers: [StateController] };
  application = await startApplication({ ...defaults, ...options });
}

const stateOf = async ({ headers }: TestSession): Promise<unknown> =>
  (await request(application.url).get('/').set(headers)).body;

describe('createTestSession()', () => {
  it.each(platforms)('starts a session that a client can use: $adapter, $mode', async ({ adapter, scope }) => {
    await start({ adapter, scope });
    const session = await createTestSession(application.app, filled);
    const { cookie, handle } = session;
    expect(cookie).toMatch(/^sid=/);
    const { body } = await request(application.url).get('/').set('Cookie', cookie);
    expect(body).toEqual({ count: 7, user: 'ann', theme: 'dark', is: handle });
    expect(liveSessionCount(application.app)).toBe(0);
  });

  it.each<SessionModuleOptions>([
    { cookie: { secure: true } },
    { cookie: { name: 'mine', path: '/' } },
    { idTransport: 'header' },
    { idTransport: 'url' },
    { signingKeys: ['a signing key that is long enough'] },
    { encryptionKeys: [Buffer.alloc(32, 1)] },
    { nodeName: 's1' },
    { admission: { admit: () => false } },
    { commitOn: 'success' },
  ])('works with an option: %j', async (session) => {
    await start({ session });
    const other = await createTestSession(application.app);
    const test = await createTestSession(application.app, filled);
    expect(await stateOf(test)).toEqual({ count: 7, user: 'ann', theme: 'dark', is: test.handle });
    expect(await stateOf(other)).toMatchObject({ count: 0, is: other.handle });
  });

  it.each(patterns)('starts sessions that are kept $pattern', async ({ open }) => {
    const shared = await open();
    const [store, ...others] = shared.stores;
    await start({ session: { ...shared.options, store: store as never } });
    expect(await stateOf(await createTestSession(application.app, filled))).toMatchObject({ count: 7, user: 'ann' });
    await application.close();
    for (const other of others) await other.close?.();
    await shared.close();
    await start();
  });

  it('starts one that lives as long as that of a client who comes back', async () => {
    const clock = new ManualClock();
    await start({ session: { clock } });
    const test = await createTestSession(application.app, filled);
    clock.advance(29 * MINUTE);
    expect(await stateOf(test)).toMatchObject({ count: 7 });
    clock.advance(31 * MINUTE);
    expect(await stateOf(test)).toMatchObject({ count: 0 });
  });

  it.each(adapters)('gives an agent its first cookie, which follows a login: $adapter', async ({ adapter }) => {
    await start({ adapter });
    const { cookie } = await createTestSession(application.app, { setUp: filled.setUp });
    const agent = request.agent(application.url);
    await agent.post('/login').set('Cookie', cookie).expect(201);
    expect((await agent.get('/')).body).toMatchObject({ count: 7, user: 'bob' });
  });

  it('has a handle with which code of the application finds the session', async () => {
    await start();
    const { handle } = await createTestSession(application.app, filled);
    const sessions = application.app.get(SessionContext);
    expect(await sessions.run(handle, () => application.app.get(Counter).value)).toBe(7);
    await sessions.run(handle, (session) => session.invalidate());
    await expect(sessions.run(handle, () => undefined)).rejects.toBeInstanceOf(SessionEndedError);
  });

  it('stores nothing when the set-up fails', async () => {
    await start();
    const failing = createTestSession(application.app, {
      ...filled,
      setUp: () => Promise.reject(new Error('a typo')),
    });
    await expect(failing).rejects.toThrow('a typo');
    expect(application.store.calls.save).toBe(0);
  });

  it('says so where a class is no bean, where there is no cookie, and before the application has started', async () => {
    await start({ session: { idTransport: 'header' } });
    class Stranger {}
    await expect(createTestSession(application.app, { setUp: ({ bean }) => bean(Stranger) })).rejects.toThrow(
      new SessionBeanError('Stranger is no bean of this application: forFeature([Stranger]) makes it one'),
    );
    const { headers, ...rest } = await createTestSession(application.app);
    expect(Object.keys({ ...headers, ...rest })).toEqual(['X-Session-Id', 'handle']);
    const test = await createTestSession(application.app);
    expect(() => test.cookie).toThrow(/^idTransport 'header' has no cookie: send the headers/);

    const module = await Test.createTestingModule({
      imports: [SessionModule.forRoot(), SessionModule.forFeature([Counter], { scope: Scope.DEFAULT })],
    }).compile();
    await expect(createTestSession(module, filled)).rejects.toThrow(
      /^createTestSession\(\) needs an application that runs/,
    );
  });
});

/** What both sessions are asked after each step. */
const seen = (session: HttpSession): object => ({
  exists: session.exists,
  user: session.principal,
  theme: session.get('theme'),
  has: session.has('theme'),
  keys: session.keys(),
  hasHandle: session.handle !== undefined,
  isAuthenticated: session.authenticatedAt !== undefined,
  url: session.encodeUrl('/a'),
});

type Step = (session: HttpSession) => unknown;

const steps: Readonly<Record<string, Step>> = {
  'sets an attribute': (session) => session.set('theme', 'dark'),
  'deletes it': (session) => session.delete('theme'),
  'deletes one that is not there': (session) => session.delete('none'),
  starts: (session) => session.start(),
  'gives it a new id': (session) => session.renewId(),
  'logs in': (session) => session.login('ann'),
  'logs in again': (session) => session.login('ann'),
  'another one logs in': (session) => session.login('bob'),
  'logs out': (session) => session.logout(),
  invalidates: (session) => session.invalidate(),
  'makes a value': (session) => session.getOrCreate('theme', () => 'made'),
  'makes a value that is over at once': (session) => session.getOrCreate('theme', () => 'made', { ttlMs: 0 }),
  'works alone': (session) => session.runExclusive(() => 'worked'),
  'sets timeouts': (session) => session.setTimeouts({ idleTimeoutMs: MINUTE }),
};

describe('FakeHttpSession answers as the session of a request does', () => {
  const play = async (session: HttpSession, names: readonly string[]): Promise<unknown[]> => {
    const answers: unknown[] = [];
    for (const name of names) {
      const answer = await steps[name]?.(session);
      await session.flush();
      answers.push([name, answer, seen(session)]);
    }
    return answers;
  };

  it.each([
    ['sets an attribute', 'deletes one that is not there', 'deletes it', 'deletes it'],
    ['starts', 'gives it a new id', 'sets timeouts', 'works alone'],
    ['sets an attribute', 'logs in', 'sets an attribute', 'logs in again', 'another one logs in'],
    ['logs in', 'sets an attribute', 'logs out', 'starts'],
    ['makes a value', 'makes a value', 'deletes it', 'makes a value that is over at once', 'invalidates'],
  ])('%s, and so on', async (...names) => {
    await start();
    let real: unknown[] = [];
    const fake = await play(new FakeHttpSession(), names);
    await createTestSession(application.app, { setUp: async ({ session }) => (real = await play(session, names)) });
    expect(fake).toEqual(real);
  });

  it('begins with a principal and attributes, and calls create once for all who ask meanwhile', async () => {
    await start();
    const session = new FakeHttpSession({ principal: 'ann', attributes: { theme: 'dark' } });
    expect(seen(session)).toMatchObject({ exists: true, user: 'ann', theme: 'dark' });
    let calls = 0;
    const made = await Promise.all([1, 2, 3].map(() => session.getOrCreate('token', async () => ++calls)));
    expect(made).toEqual([1, 1, 1]);
  });
});
