import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConflictException, Controller, Get, type HttpException, Param, Post } from '@nestjs/common';
import {
  HttpSession,
  ReadOnlySession,
  SessionBusyError,
  SessionContext,
  type SessionHandle,
} from 'nestjs-session-beans';
import { type NamedByHandle, parseSessionHandle } from '../../libs/session/src/store/session-handle.js';
import { Client } from '../support/client.js';
import { Counter } from '../support/counter.js';
import { CountingStore } from '../support/counting-store.js';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { liveSessionCount } from '../support/live-session-count.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { patterns } from '../support/session-patterns.js';

let calls = 0;
let entered = new Latch();
let mayAnswer = new Latch();
/** What the service answers to the n-th call. */
let answer: (call: number) => unknown = (call) => ({ token: call });
let ttlMs: number | ((value: unknown) => number) | undefined;

/** A service outside that must not be asked twice at once. */
async function ask(): Promise<unknown> {
  const call = ++calls;
  entered.open();
  await mayAnswer.opened;
  return answer(call);
}

@Controller()
class TokenController {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  @Get('token') async token(): Promise<object> {
    return { token: await this.session.getOrCreate('token', ask, { ttlMs }) };
  }

  @ReadOnlySession()
  @Get('read-only')
  readOnly(): Promise<object> {
    return this.token();
  }

  @Post('token-and-count') async tokenAndCount(): Promise<object> {
    this.counter.value++;
    const { token } = (await this.token()) as { token: unknown };
    return { token, count: this.counter.value, seen: this.session.get('token') };
  }

  @Post('token-and-throw') async tokenAndThrow(): Promise<void> {
    this.counter.value++;
    await this.token();
    throw new ConflictException();
  }

  @Get('attributes') attributes(): object {
    const { session } = this;
    return { has: session.has('token'), get: session.get('token'), keys: session.keys(), beans: session.beanNames };
  }

  @Get('count') count(): number {
    return this.counter.value;
  }

  @Post('discard') discard(): boolean {
    return this.session.delete('token');
  }

  @Post('set') set(): void {
    this.session.set('token', 'set');
  }

  @Post('renew') renew(): void {
    this.session.renewId();
  }

  @Post('login/:user') async login(@Param('user') user: string): Promise<object> {
    await this.session.login(user);
    await this.session.flush();
    return { handle: this.session.handle };
  }

  @Post('logout') logout(): Promise<void> {
    return this.session.logout();
  }
}

describe.each(patterns)('session.getOrCreate() in a session that is kept $pattern', ({ pattern, open }) => {
  let shared: Awaited<ReturnType<typeof open>>;
  const servers: TestApplication[] = [];
  let client: Client;
  let handle: SessionHandle;

  beforeAll(async () => {
    shared = await open();
    for (const store of shared.stores) {
      servers.push(
        await startApplication({
          adapter: 'express',
          beans: [Counter],
          controllers: [TokenController],
          session: shared.options,
          store: new CountingStore(store),
        }),
      );
    }
  }, 180_000);
  afterAll(async () => {
    for (const server of servers.splice(0)) await server.close();
    await shared.close();
  });
  beforeEach(async () => {
    [calls, entered, mayAnswer] = [0, new Latch(), new Latch()];
    answer = (call) => ({ token: call });
    ttlMs = undefined;
    client = new Client();
    const { body } = await client.post(url('/login/ann'));
    ({ handle } = body as { handle: SessionHandle });
    await client.get(url('/count'));
  });

  const server = (n: number): TestApplication => servers[n % servers.length] as TestApplication;
  const url = (path: string, n = 0): string => `${server(n).url}${path}`;
  const handleRun = (n: number): Promise<unknown> =>
    server(n)
      .app.get(SessionContext)
      .run(handle, (session) => session.getOrCreate('token', ask, { ttlMs }));
  /** One request after the other, so that each comes with the cookies of the last. */
  const statuses = async (...paths: string[]): Promise<unknown[]> => {
    const answers = [];
    for (const path of paths) answers.push((await client.get(url(path))).body);
    return answers;
  };

  it('calls once for all who ask meanwhile: requests and jobs, on all servers', async () => {
    const asking = Array.from({ length: 48 }, (_, i) =>
      i % 4 === 3
        ? handleRun(i).then((token) => ({ status: 200, body: { token } }))
        : client.copy().get(url('/token', i)),
    );
    await entered.opened;
    mayAnswer.open();
    const answers = await Promise.all(asking);
    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body])))).toEqual(
      new Set(['[200,{"token":{"token":1}}]']),
    );
    expect(calls).toBe(1);
  });

  it('keeps the value for the requests that come later, which costs no call of the store', async () => {
    mayAnswer.open();
    await client.get(url('/token'));
    for (const { store } of servers) store.reset();
    expect((await client.get(url('/token'))).body).toEqual({ token: { token: 1 } });
    const { load, ...rest } = server(0).store.calls;
    expect(rest).toEqual({ save: 0, touch: 0, destroy: 0 });
    // That of the request.
    expect(load).toBeLessThanOrEqual(1);
    expect(calls).toBe(1);
  });

  it('gives its error to all who ask meanwhile, on all servers, and calls again for those who come later', async () => {
    answer = (call) => {
      if (call > 1) return call;
      throw new ConflictException({ reason: 'consent' });
    };
    const first = handleRun(0);
    await entered.opened;
    server(1).store.reset();
    const others = Array.from({ length: 8 }, (_, i) => handleRun(i));
    // Those of the other server look at the session again and again.
    if (server(0) !== server(1)) await eventually('they wait', () => server(1).store.calls.load > 8);
    mayAnswer.open();
    for (const { status, reason } of await Promise.allSettled([first, ...others]).then(failuresOf)) {
      expect({ status, reason }).toEqual({ status: 409, reason: { reason: 'consent' } });
    }
    expect(calls).toBe(1);
    expect(await statuses('/token')).toEqual([{ token: 2 }]);
  });

  it('stores the value apart from what the request changes', async () => {
    mayAnswer.open();
    expect((await client.post(url('/token-and-count'))).body).toEqual({
      token: { token: 1 },
      count: 1,
      seen: { token: 1 },
    });
    await client.post(url('/discard'));
    answer = (call) => ({ again: call });
    const failed = await client.post(url('/token-and-throw'));
    expect(failed.status).toBe(409);
    expect(await statuses('/token')).toEqual([{ token: { again: 2 } }]);
  });

  it('is an attribute, which can be read, thrown away and replaced', async () => {
    mayAnswer.open();
    await client.get(url('/token'));
    expect(await statuses('/attributes')).toEqual([{ has: true, get: { token: 1 }, keys: ['token'], beans: [] }]);
    expect((await client.post(url('/discard'))).text).toBe('true');
    expect(await statuses('/attributes')).toMatchObject([{ has: false, keys: [] }]);
    expect(await statuses('/token')).toEqual([{ token: { token: 2 } }]);
    await client.post(url('/set'));
    expect(await statuses('/attributes', '/token')).toMatchObject([{ get: 'set', keys: ['token'] }, { token: 'set' }]);
    expect(calls).toBe(2);
  });

  it.each<[string, typeof ttlMs]>([
    ['a number', 0],
    ['a function of the value', (value) => (value as { token: number }).token - 1],
  ])('calls again when the value is over, by a ttl that is %s', async (_what, ttl) => {
    mayAnswer.open();
    ttlMs = ttl;
    expect(await statuses('/token', '/attributes')).toMatchObject([{ token: { token: 1 } }, { has: false, keys: [] }]);
    expect(await statuses('/token')).toEqual([{ token: { token: 2 } }]);
  });

  it('gives a value that is over at once to all who ask meanwhile', async () => {
    ttlMs = 0;
    const { app } = server(1);
    const job = app
      .get(SessionContext)
      .run(handle, (session) =>
        Promise.all(Array.from({ length: 5 }, () => session.getOrCreate('token', ask, { ttlMs }))),
      );
    await entered.opened;
    mayAnswer.open();
    expect(await job).toEqual(Array.from({ length: 5 }, () => ({ token: 1 })));
  });

  it('works in a handler that changes nothing', async () => {
    mayAnswer.open();
    expect(await statuses('/read-only', '/token')).toEqual([{ token: { token: 1 } }, { token: { token: 1 } }]);
  });

  it('starts a session with a value that a client without one has asked for, once in the request', async () => {
    mayAnswer.open();
    const newcomer = new Client();
    expect((await newcomer.get(url('/token'))).body).toEqual({ token: { token: 1 } });
    expect((await newcomer.get(url('/token'))).body).toEqual({ token: { token: 1 } });
    expect(calls).toBe(1);
  });

  it('refuses what cannot be stored, and lets the next one try', async () => {
    mayAnswer.open();
    answer = (call) => (call === 1 ? { run: () => undefined } : call);
    expect((await client.get(url('/token'))).status).toBe(500);
    expect(await statuses('/token')).toEqual([{ token: 2 }]);
  });

  it('stores nothing in a session that ends meanwhile, and none comes back', async () => {
    const asking = client.copy().get(url('/token', 1));
    await entered.opened;
    await client.post(url('/logout'));
    mayAnswer.open();
    expect((await asking).status).toBe(409);
    expect(await statuses('/attributes')).toEqual([{ has: false, keys: [], beans: [] }]);
  });

  it('keeps nothing that was begun under a former id, while the call of a job goes on', async () => {
    const job = handleRun(1);
    await entered.opened;
    await client.post(url('/renew'));
    mayAnswer.open();
    expect(await job).toEqual({ token: 1 });
    expect(await statuses('/token')).toEqual([{ token: { token: 1 } }]);

    await client.post(url('/discard'));
    [entered, mayAnswer] = [new Latch(), new Latch()];
    const request = client.copy().get(url('/token', 1));
    await entered.opened;
    await client.post(url('/renew'));
    mayAnswer.open();
    expect((await request).status).toBe(409);
    expect(await statuses('/attributes')).toMatchObject([{ has: false }]);
  });

  it('makes values of other names meanwhile, and lets requests change the session', async () => {
    const job = handleRun(1);
    await entered.opened;
    const other = server(0)
      .app.get(SessionContext)
      .run(handle, (session) => session.getOrCreate('other', () => 'made'));
    expect(await other).toBe('made');
    expect((await client.post(url('/set'))).status).toBe(201);
    mayAnswer.open();
    expect(await job).toEqual({ token: 1 });
    expect(await statuses('/attributes')).toMatchObject([{ get: 'set', keys: ['token', 'other'] }]);
  });

  it('waits no longer than waitMs for others, on each of the servers', async () => {
    const job = handleRun(0);
    await entered.opened;
    const waiting = servers.map(({ app }) =>
      app.get(SessionContext).run(handle, (session) => session.getOrCreate('token', ask, { waitMs: 50 })),
    );
    for (const late of waiting) await expect(late).rejects.toBeInstanceOf(SessionBusyError);
    mayAnswer.open();
    expect(await job).toEqual({ token: 1 });
    expect(calls).toBe(1);
  });

  it('lets the session go when all is done', () => {
    const isKept = shared.options.nearCache !== undefined;
    expect(servers.filter(({ app }) => !isKept && liveSessionCount(app) > 0)).toEqual([]);
    expect(pattern).not.toBe('');
  });
});

/** What each work was refused with; undefined for one that was not. */
function failuresOf(results: readonly PromiseSettledResult<unknown>[]): { status: unknown; reason: unknown }[] {
  return results.map((result) => {
    const error = result.status === 'rejected' ? (result.reason as HttpException) : undefined;
    return { status: error?.getStatus(), reason: error?.getResponse() };
  });
}

describe('session.getOrCreate() on two servers', () => {
  let shared: Awaited<ReturnType<(typeof patterns)[1]['open']>>;
  const servers: TestApplication[] = [];
  let handle: SessionHandle;

  beforeAll(async () => {
    shared = await (patterns.find(({ pattern }) => pattern === 'in Redis') as (typeof patterns)[1]).open();
    for (const inner of shared.stores) {
      const store = new CountingStore(inner);
      servers.push(
        await startApplication({ adapter: 'express', controllers: [TokenController], beans: [Counter], store }),
      );
    }
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    await shared.close();
  });
  beforeEach(async () => {
    const { body } = await new Client(servers[0]?.app).post('/login/ann');
    ({ handle } = body as { handle: SessionHandle });
  });

  /** Work on the n-th server. @returns what it gets, and when its call has begun */
  const make = (
    n: number,
    create: () => unknown,
  ): { readonly got: Promise<unknown>; readonly begun: Promise<void> } => {
    const begun = new Latch();
    const sessions = (servers[n] as TestApplication).app.get(SessionContext);
    const calling = (): unknown => {
      begun.open();
      return create();
    };
    const got = sessions.run(handle, (session) => session.getOrCreate('value', calling));
    return { got, begun: begun.opened };
  };

  it('is called once more, by one of those who wait, when the server that calls it is cut off', async () => {
    const { store } = servers[0] as TestApplication;
    const revived = new Latch();
    const dead = make(0, () => revived.opened.then(() => 'of the dead'));
    await dead.begun;
    store.before = () => {
      throw new Error('cut off');
    };
    let count = 0;
    const waiting = Array.from({ length: 5 }, () => make(1, () => ++count));
    expect(await Promise.all(waiting.map(({ got }) => got))).toEqual([1, 1, 1, 1, 1]);
    // It was not dead after all: its value is not kept.
    store.before = () => undefined;
    revived.open();
    expect(await dead.got).toBe(1);
    expect(await make(0, () => 'another').got).toBe(1);
  });

  it.each(['1{damaged', '1{"entries":7}'])('makes values anew where they are damaged: %s', async (payload) => {
    const [{ store }] = servers as [TestApplication];
    const access = parseSessionHandle(handle) as NamedByHandle;
    const parts = new Map([['@values', { base: null, payload }]]);
    const change = { mode: 'update', access, writeId: `damage${payload.length}`, parts } as const;
    expect(await store.inner.save(change)).toMatchObject({ outcome: 'saved' });
    for (const n of [0, 1]) expect(await make(n, () => 'new').got).toBe('new');
  });

  it('is not called again while the server is at it, however long that takes', async () => {
    const finished = new Latch();
    const slow = make(0, () => finished.opened.then(() => 'slow'));
    await slow.begun;
    const waiting = make(1, () => 'again');
    setTimeout(finished.open, 12_000);
    expect([await slow.got, await waiting.got]).toEqual(['slow', 'slow']);
  });
});
