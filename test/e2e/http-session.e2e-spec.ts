import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { CurrentSession, HttpSession, SessionScoped, SessionStateError } from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import type { Response, Test } from 'supertest';
import { Client, setCookies } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'counter' })
class Counter {
  value = 0;
}

const VALUES: Record<string, unknown> = {
  text: 'text',
  number: -0,
  notANumber: Number.NaN,
  infinite: -Infinity,
  bigint: 2n ** 70n,
  boolean: false,
  null: null,
  undefined,
  date: new Date(5),
  map: new Map<unknown, unknown>([['a', new Set([1, 'b'])]]),
  set: new Set([new Date(1)]),
  bytes: new Uint8Array([1, 2, 255]),
  list: [1, [2, { three: 3 }], undefined],
  plain: { a: { b: { c: [] } } },
};

@Controller()
class SessionController {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  @Get('facts')
  facts(): object {
    const { exists, isNew, beanNames, principal } = this.session;
    return { exists, isNew, beanNames, principal: principal === undefined ? 'nobody' : principal };
  }

  @Get('facts/started')
  started(): object {
    this.session.start();
    return this.facts();
  }

  @Get('count')
  count(): number {
    return ++this.counter.value;
  }

  @Get('peek')
  peek(): number {
    return this.counter.value;
  }

  @Get('times')
  times(): object {
    const { createdAt, lastAccessedAt, expiresAt } = this.session;
    return { createdAt, lastAccessedAt, expiresAt };
  }

  @Get('idle/:ms')
  idle(@Param('ms') ms: string): string {
    this.session.setTimeouts({ idleTimeoutMs: Number(ms) });
    return ms;
  }

  @Get('set/:name')
  set(@Param('name') name: string): boolean {
    this.session.set(name, VALUES[name]);
    return Object.is(this.session.get(name), VALUES[name]);
  }

  @Get('compare/:name')
  compare(@CurrentSession() session: HttpSession, @Param('name') name: string): boolean {
    return isDeepStrictEqual([session.get(name), session.keys()], [VALUES[name], [name]]);
  }

  @Get('attributes')
  attributes(): unknown {
    const { session } = this;
    session.set('list', [1]);
    const list = session.get('list') as number[];
    list.push(2);
    session.set('gone', 1);
    return [
      session.get('list') === list,
      session.has('gone'),
      session.delete('gone'),
      session.delete('gone'),
      session.get('gone') ?? null,
      session.has('gone'),
      session.keys(),
    ];
  }

  @Get('push')
  push(): unknown {
    (this.session.get('list') as number[]).push(3);
    return this.session.get('list');
  }

  /** Does, one after the other, what the query says. */
  @Get('do')
  async do(@Query('steps') steps: string): Promise<string> {
    const { session } = this;
    const known: Record<string, () => unknown> = {
      write: () => this.counter.value++,
      invalidate: () => session.invalidate(),
      logout: () => session.logout(),
      renew: () => session.renewId(),
      start: () => session.start(),
      login: () => session.login('ann'),
      flush: () => session.flush(),
    };
    for (const step of steps.split(',')) await known[step]?.();
    return `${session.exists} ${this.counter.value}`;
  }

  @Get('wrong')
  wrong(): Promise<string[]> {
    const { session } = this;
    const wrong: (() => unknown)[] = [
      () => session.set('', 1),
      () => session.set(5 as unknown as string, 1),
      () => session.login(''),
      () => session.login(undefined as never),
      () => session.login('x'.repeat(513)),
      () => session.setTimeouts({ idleTimeoutMs: 0 }),
      () => session.setTimeouts({ idleTimeoutMs: 1.5 }),
      () => session.setTimeouts({ idleTimeoutMs: '10' as never }),
      () => session.setTimeouts({ absoluteTimeoutMs: -1 }),
      () => session.login('ann', { idleTimeoutMs: Number.NaN }),
    ];
    const refusal = async (call: () => unknown): Promise<string> => {
      try {
        await call();
        return 'accepted';
      } catch (error) {
        return error instanceof SessionStateError ? error.message : String(error);
      }
    };
    return Promise.all(wrong.map(refusal));
  }
}

/** A client that says which id it has, and how often it was given one or told to forget it. */
class NamedClient extends Client {
  id = '';
  given = 0;
  removed = 0;

  protected override async send(sent: Test): Promise<Response> {
    const response = await super.send(sent);
    for (const cookie of setCookies(response)) {
      this.id = cookie.split(';')[0] ?? '';
      if (cookie.endsWith('; Max-Age=0')) this.removed++;
      else this.given++;
    }
    return response;
  }
}

describe.each(adapters)('HttpSession, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let clock: ManualClock;
  let client: NamedClient;
  beforeEach(async () => {
    clock = new ManualClock();
    server = await startApplication({
      adapter,
      beans: [Counter],
      controllers: [SessionController],
      session: { clock },
    });
    client = new NamedClient(server.app);
  });
  afterEach(() => server.close());

  const get = (path: string, who = client) => who.text(`/${path}`);
  const json = async (path: string): Promise<unknown> => JSON.parse(await get(path));
  const peekWith = async (cookie: string) => (await new Client(server.app).get('/peek', { cookie })).text;

  it('does not exist until something is worth storing, is new then, and not when the client came back', async () => {
    expect(await json('facts')).toEqual({ exists: false, isNew: false, beanNames: [], principal: 'nobody' });
    expect(client.given).toBe(0);
    expect(await json('facts/started')).toEqual({ exists: true, isNew: true, beanNames: [], principal: 'nobody' });
    expect(client.given).toBe(1);
    expect(await json('facts')).toEqual({ exists: true, isNew: false, beanNames: [], principal: 'nobody' });
    expect(await json('facts/started')).toMatchObject({ isNew: false });
    expect(client.given).toBe(1);
    await get('count');
    expect(await json('facts')).toMatchObject({ beanNames: ['counter'] });
  });

  it('knows its times by the clock of the store', async () => {
    const start = clock.now();
    await get('facts/started');
    await get('facts');
    clock.advance(120_000);
    expect(await json('times')).toMatchObject({ createdAt: start });
    expect(await json('times')).toEqual({
      createdAt: start,
      lastAccessedAt: start + 120_000,
      expiresAt: start + 120_000 + 30 * 60_000,
    });
  });

  it('takes an idle timeout of its own', async () => {
    await get('count');
    await get('idle/5000');
    await get('count');
    clock.advance(4999);
    expect(await get('count')).toBe('3');
    clock.advance(5001);
    expect(await get('count')).toBe('1');
  });

  it.each(Object.keys(VALUES))('keeps an attribute as it was: %s', async (name) => {
    expect(await get(`set/${name}`)).toBe('true');
    expect(await get(`compare/${name}`)).toBe('true');
  });

  it('has one object for an attribute in a request and stores what is done to it', async () => {
    expect(await json('attributes')).toEqual([true, true, true, false, null, false, ['list']]);
    expect(await json('push')).toEqual([1, 2, 3]);
    expect(await json('push')).toEqual([1, 2, 3, 3]);
  });

  it('tells what is wrong with an argument', async () => {
    const milliseconds = 'that is a whole number of milliseconds from 1, not';
    expect(await json('wrong')).toEqual([
      'HttpSession.set needs a name that is a text and not empty',
      'HttpSession.set needs a name that is a text and not empty',
      'HttpSession.login needs a principal that is a text of 1 to 512 characters',
      'HttpSession.login needs a principal that is a text of 1 to 512 characters',
      'HttpSession.login needs a principal that is a text of 1 to 512 characters',
      `HttpSession.setTimeouts takes an idleTimeoutMs ${milliseconds} 0`,
      `HttpSession.setTimeouts takes an idleTimeoutMs ${milliseconds} 1.5`,
      `HttpSession.setTimeouts takes an idleTimeoutMs ${milliseconds} 10`,
      `HttpSession.setTimeouts takes an absoluteTimeoutMs ${milliseconds} -1`,
      `HttpSession.login takes an idleTimeoutMs ${milliseconds} NaN`,
    ]);
    expect(client.given).toBe(0);
  });

  it.each([
    'invalidate',
    'logout',
    'write,invalidate',
    'renew,invalidate',
    'invalidate,invalidate',
    'login,logout',
    'write,flush,invalidate',
  ])('R12 B67 is dead after %s, also for who kept the id', async (steps) => {
    await get('count');
    const { id } = client;
    expect(await get(`do?steps=${steps}`)).toBe('false 0');
    expect([client.given, client.removed]).toEqual([1, 1]);
    expect(client.id).toBe('sid=');
    expect(await peekWith(id)).toBe('0');
    expect(await get('peek')).toBe('0');
  });

  it.each([
    ['invalidate,write', 'false 1', '1'],
    ['write,invalidate,write,write', 'false 2', '2'],
    ['invalidate,start', 'true 0', '0'],
    ['invalidate,login', 'true 0', '0'],
    ['renew,invalidate,write', 'false 1', '1'],
  ])('B67 is another one, with another id, after %s', async (steps, answer, value) => {
    await get('count');
    const { id } = client;
    expect(await get(`do?steps=${steps}`)).toBe(answer);
    expect([client.given, client.removed]).toEqual([2, 0]);
    expect(client.id).not.toBe(id);
    expect(await get('peek')).toBe(value);
    expect(await peekWith(id)).toBe('0');
  });

  it.each([
    'renew',
    'renew,renew',
    'login',
    'login,renew',
    'write,renew',
    'renew,write',
    'renew,flush',
    'renew,flush,renew',
  ])('R10 R11 keeps what it holds under a new id after %s; the old id is dead', async (steps) => {
    await get('count');
    const { id } = client;
    await get(`do?steps=${steps}`);
    expect([client.given, client.removed]).toEqual([2, 0]);
    expect(client.id).not.toBe(id);
    expect(await get('peek')).toBe(steps.includes('write') ? '2' : '1');
    expect(await peekWith(id)).toBe('0');
    expect(await json('facts')).toMatchObject({ exists: true, principal: steps.includes('login') ? 'ann' : 'nobody' });
  });

  it.each(['renew', 'login', 'start', 'start,renew', 'renew,start', 'write', 'start,write,flush'])(
    'starts with %s where there is none',
    async (steps) => {
      await get(`do?steps=${steps}`);
      expect(client.given).toBe(1);
      expect(await json('facts')).toMatchObject({ exists: true });
    },
  );

  it.each(['invalidate', 'logout', 'flush', 'start,invalidate', 'write,invalidate', 'renew,invalidate'])(
    'does not start with %s',
    async (steps) => {
      await get(`do?steps=${steps}`);
      expect([client.given, client.removed]).toEqual([0, 0]);
      expect(server.store.total).toBe(0);
    },
  );
});
