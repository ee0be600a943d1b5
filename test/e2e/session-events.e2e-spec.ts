import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Logger, Query } from '@nestjs/common';
import { HttpSession, SessionEvents, type SessionRef, SessionScoped } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'counter' })
class Counter {
  value = 0;
  note = '';
  last: unknown;
}

let writing = 0;
let bothWrite = new Latch();

@Controller()
class EventController {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  /** Does, one after the other, what the query says. */
  @Get()
  async do(@Query('steps') steps: string): Promise<string> {
    const { session } = this;
    for (const step of steps.split(',')) {
      if (step === 'write') this.counter.value++;
      if (step === 'invalidate') await session.invalidate();
      if (step === 'logout') await session.logout();
      if (step === 'renew') session.renewId();
      if (step === 'ann' || step === 'bob') await session.login(step);
    }
    return steps;
  }

  @Get('note')
  async note(@Query('text') text: string): Promise<string> {
    this.counter.note = text;
    if (++writing === 2) bothWrite.open();
    await bothWrite.opened;
    return text;
  }

  @Get('fail')
  fail(): never {
    this.counter.last = () => 'a function cannot be stored';
    throw new Error('failed');
  }
}

const NAMES = ['created', 'login', 'renewed', 'ended', 'conflict', 'undecodable', 'notStored'] as const;

describe.each(adapters)('R46 SessionEvents, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let source: SessionEvents;
  let events: [string, { readonly session?: SessionRef | undefined; readonly reason?: string }][];
  let stop: (() => void)[];
  let client: Client;
  beforeEach(async () => {
    [writing, bothWrite] = [0, new Latch()];
    events = [];
    server = await startApplication({ adapter, beans: [Counter], controllers: [EventController] });
    client = new Client(server.app);
    source = server.app.get(SessionEvents);
    stop = NAMES.map((name) => source.on(name, (event) => void events.push([name, event])));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await server.close();
  });

  const run = (steps: string) => client.text(`/?steps=${steps}`);
  const names = () => events.map(([name]) => name);
  const sessions = () => events.map(([, { session }]) => session);

  it('tell a session that was created, once', async () => {
    await run('nothing');
    expect(events).toEqual([]);
    await run('write');
    await run('write');
    await run('nothing');
    expect(names()).toEqual(['created']);
  });

  it('name the session by the first characters of its key, by its handle, and by who is logged in', async () => {
    await run('write');
    await run('ann');
    const [created, renewed, login] = sessions();
    expect(created).toEqual({
      hash: expect.stringMatching(/^[\w-]{8}$/),
      handle: expect.stringMatching(new RegExp(`^sh1_${created?.hash}[\\w-]{14}_0$`)),
      principal: undefined,
    });
    expect(login).toEqual({ ...created, handle: created?.handle?.replace(/0$/, '1'), principal: 'ann' });
    expect(renewed).toEqual(login);
  });

  it('tell a new id: the session is the same', async () => {
    await run('write');
    await run('renew');
    await run('renew,write');
    expect(names()).toEqual(['created', 'renewed', 'renewed']);
    expect(new Set(sessions().map((session) => JSON.stringify(session))).size).toBe(1);
  });

  it('tell a login, into a session that there was or is created with it, and a login again', async () => {
    await run('ann');
    expect(names()).toEqual(['created', 'login']);
    await run('ann');
    expect(names()).toEqual(['created', 'login', 'renewed', 'login']);
  });

  it('tell the login of another principal as the end of the session before, whose it was', async () => {
    await run('ann');
    await run('bob');
    expect(names().slice(2)).toEqual(['ended', 'renewed', 'login']);
    const [, before, ended, , login] = events.map(([, event]) => event);
    expect(ended).toEqual({ session: before?.session, reason: 'login' });
    expect(login?.session).toMatchObject({ hash: before?.session?.hash, principal: 'bob' });
    expect(login?.session?.handle).not.toBe(before?.session?.handle);
  });

  it.each([
    ['invalidate', 'invalidated'],
    ['logout', 'logout'],
  ])('tell an end by %s(), and nothing for what never was', async (step, reason) => {
    await run(`write,${step}`);
    await run(step);
    expect(events).toEqual([]);
    await run('write');
    await run(`write,${step},write`);
    expect(names()).toEqual(['created', 'ended', 'created']);
    const [first, ended, second] = events.map(([, event]) => event);
    expect(ended).toEqual({ ...first, reason });
    expect(second?.session?.hash).not.toBe(first?.session?.hash);
  });

  it('tell a conflict, with bean and field, once for the request that lost', async () => {
    await run('write');
    const answers = await Promise.all(['one', 'two'].map((text) => client.get(`/note?text=${text}`)));
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 409]);
    expect(events.slice(1)).toEqual([
      ['conflict', { ...events[0]?.[1], conflicts: [{ bean: 'counter', field: 'note' }] }],
    ]);
  });

  it('tell what a failed request could not store', async () => {
    await run('write');
    expect((await client.get('/fail')).status).toBe(500);
    expect(events.slice(1)).toEqual([
      [
        'notStored',
        { ...events[0]?.[1], error: expect.objectContaining({ message: expect.stringMatching(/^counter\.last /) }) },
      ],
    ]);
  });

  it('stop when they are told to', async () => {
    for (const one of stop) one();
    await run('write');
    expect(events).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('of a listener');
      },
    ],
    [
      'is asynchronous and rejects',
      async () => {
        await Promise.resolve();
        throw new Error('of a listener');
      },
    ],
  ])('B23 survive a listener that %s, and log its error', async (_, fail) => {
    // A rejection that nobody handles fails the test: jest sees to that.
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    for (const name of ['created', 'login', 'ended'] as const) source.on(name, fail);
    source.on('ended', () => void events.push(['told after the listener that failed', {}]));

    expect(await run('ann,write')).toBe('ann,write');
    expect(await run('logout')).toBe('logout');

    expect(names()).toEqual(['created', 'login', 'ended', 'told after the listener that failed']);
    expect(logged.mock.calls.filter(([, error]) => (error as Error)?.message === 'of a listener')).toHaveLength(3);
  });
});
