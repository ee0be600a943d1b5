import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ModuleMetadata } from '@nestjs/common';
import type { SessionModuleOptions } from 'nestjs-session-beans';
import type { Response } from 'supertest';
import { Client } from '../../support/client.js';
import { Latch } from '../../support/latch.js';
import { type TestApplication, startApplication } from '../../support/platforms.js';
import {
  Cart,
  CartResolver,
  LosingModule,
  OrderResolver,
  PageResolver,
  PrivateResolver,
  UserResolver,
  Visits,
  servers,
  slow,
} from './shop.js';

interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly string[];
    readonly extensions?: Readonly<Record<string, unknown>>;
  }[];
}

const CONFLICT = { code: 'SESSION_CONFLICT', status: 409 };

describe.each(servers)('GraphQL, $server', ({ server, adapter, module }) => {
  let keeping: TestApplication;
  /** With `commitOn: 'success'`. */
  let forgetting: TestApplication;
  let application: TestApplication;
  let client: Client;

  const start = (
    session: SessionModuleOptions,
    { imports = [], providers = [] }: ModuleMetadata = {},
    graphql: Parameters<typeof module>[0] = {},
  ): Promise<TestApplication> =>
    startApplication({
      adapter,
      session,
      beans: [Cart, Visits],
      imports: [...imports, module(graphql)],
      providers: [CartResolver, OrderResolver, UserResolver, PageResolver, ...providers],
    });

  beforeAll(async () => {
    keeping = await start({});
    forgetting = await start({ commitOn: 'success' });
  });

  afterAll(async () => {
    await keeping.close();
    await forgetting.close();
  });

  beforeEach(() => {
    application = keeping;
    client = new Client(application.app);
    slow.begun = new Latch();
    slow.goOn = new Latch();
  });

  const use = (other: TestApplication): void => {
    application = other;
    client = new Client(other.app);
  };

  const send = (query: string, from = client): Promise<Response> => from.post('/graphql', { query });
  const answer = async (query: string, from = client): Promise<Answer> => (await send(query, from)).body as Answer;
  const data = async (query: string, from = client): Promise<Answer['data']> => {
    const { data: given, errors } = await answer(query, from);
    expect(errors).toBeUndefined();
    return given;
  };

  /** Runs `query` until it is in the slow resolver, lets another request change the session, and goes on. */
  const overtaken = async (query: string, by: string): Promise<Response> => {
    const overtaking = client.copy();
    const sent = send(query);
    await slow.begun.opened;
    await data(by, overtaking);
    slow.goOn.open();
    return sent;
  };

  describe('a session in resolvers', () => {
    it('keeps beans from one operation to the next', async () => {
      expect(await data('mutation { add(n: 2) }')).toEqual({ add: 2 });
      expect(await data('{ total }')).toEqual({ total: 2 });
      expect(await data('{ total }', new Client(application.app))).toEqual({ total: 0 });
    });

    it('is given to a parameter marked @CurrentSession()', async () => {
      expect(await data('{ user }')).toEqual({ user: 'nobody' });
      expect(await data('mutation { login(name: "ann") }')).toEqual({ login: 'ann' });
      expect(await data('{ user secret }')).toEqual({ user: 'ann', secret: 'secret' });
    });

    it('is not loaded for operations that need none', async () => {
      await data('mutation { add(n: 2) }');
      application.store.reset();
      expect(await data('{ hello page { title } }')).toEqual({ hello: 'hello', page: { title: 'page' } });
      expect(application.store.total).toBe(0);
    });

    it('is loaded for a field resolver that needs it, though its parent needs none, also in fragments', async () => {
      expect(await data('{ page { visitors } }')).toEqual({ page: { visitors: 1 } });
      expect(await data('{ page { ...deep } } fragment deep on Page { ... on Page { seen: visitors } }')).toEqual({
        page: { seen: 2 },
      });
      expect(await data('mutation { publish { visitors } }')).toEqual({ publish: { visitors: 3 } });
    });

    it('is loaded once for all fields of an operation', async () => {
      await data('mutation { add(n: 2) }');
      application.store.reset();
      await data('{ a: total b: total log page { visitors } }');
      expect(application.store.calls.load).toBe(1);
    });
  });

  it.each(['{ peek count }', '{ count peek }'])(
    'stores what a query changes beside one that only reads: %s',
    async (query) => {
      await data(query);
      expect(await data('{ total }')).toEqual({ total: 1 });
    },
  );

  it('is found again where something before the server has lost the asynchronous context', async () => {
    const losing = await start({}, { imports: [LosingModule] });
    try {
      use(losing);
      expect(await data('mutation { add(n: 2) }')).toEqual({ add: 2 });
      expect(await data('{ total page { visitors } }')).toEqual({ total: 2, page: { visitors: 1 } });
    } finally {
      await losing.close();
    }
  });

  it('@RequireLogin() on a field is refused at boot, or asks where Nest runs guards for fields', async () => {
    await expect(start({}, { providers: [PrivateResolver] })).rejects.toThrow(
      /^@RequireLogin\(\) would be ignored on PrivateResolver\.remark: Nest runs no guards for fields of GraphQL/,
    );
    const guarding = await start({}, { providers: [PrivateResolver] }, { fieldResolverEnhancers: ['guards'] });
    try {
      use(guarding);
      expect((await answer('{ page { remark } }')).errors).toEqual([
        expect.objectContaining({ extensions: expect.objectContaining({ code: 'SESSION_LOGIN_REQUIRED' }) }),
      ]);
      await data('mutation { login(name: "ann") }');
      expect(await data('{ page { remark } }')).toEqual({ page: { remark: 'secret' } });
    } finally {
      await guarding.close();
    }
  });

  describe('a refusal', () => {
    it('of a mutation is the error of its field, and what other mutations have stored stays', async () => {
      await data('mutation { add(n: 1) }');
      const { status, body } = await overtaken(
        'mutation { a: readAndWrite(name: "a") b: addSlowly(n: 10) c: readAndWrite(name: "c") }',
        'mutation { add(n: 100) }',
      );
      const { data: given, errors } = body as Answer;
      expect(given).toEqual({ a: 2, b: null, c: 103 });
      expect(errors).toEqual([
        expect.objectContaining({
          message: 'the session was changed by another request',
          path: ['b'],
          extensions: expect.objectContaining(CONFLICT),
        }),
      ]);
      expect(JSON.stringify(errors)).not.toContain('cart');
      expect(status).toBe(server === 'Mercurius' ? 200 : 409);
      expect(await data('{ total log }')).toEqual({ total: 103, log: ['a', 'c'] });
    });

    it('of a query that writes answers the whole request, as GraphQL does', async () => {
      await data('mutation { add(n: 1) }');
      const { status, body } = await overtaken('{ slowlyCounted }', 'mutation { add(n: 100) }');
      expect(status).toBe(409);
      expect(body).toEqual({
        data: null,
        errors: [
          { message: 'the session was changed by another request', extensions: expect.objectContaining(CONFLICT) },
        ],
      });
      expect(await data('{ total }')).toEqual({ total: 101 });
    });

    it.each(['', 'later: addSlowly(n: 1)'])(
      'of a field resolver that writes answers the whole request, %s',
      async (later) => {
        await data('{ page { visitors } }');
        const { status, body } = await overtaken(
          `mutation { publish { slowVisitors } ${later} }`,
          '{ page { visitors } }',
        );
        expect(status).toBe(409);
        expect(body).toMatchObject({ data: null, errors: [{ extensions: CONFLICT }] });
        expect(await data('{ page { visitors } total }')).toEqual({ page: { visitors: 3 }, total: 0 });
      },
    );

    it('of a batch has an answer for each operation', async () => {
      await data('mutation { add(n: 1) }');
      const overtaking = client.copy();
      const sent = client.post('/graphql', [{ query: '{ slowlyCounted }' }, { query: '{ hello }' }]);
      await slow.begun.opened;
      await data('mutation { add(n: 100) }', overtaking);
      slow.goOn.open();
      const { status, body } = await sent;
      expect(status).toBe(409);
      const refused = {
        data: null,
        errors: [expect.objectContaining({ extensions: expect.objectContaining(CONFLICT) })],
      };
      expect(body).toEqual([refused, refused]);
    });

    it('for want of a login says so', async () => {
      const { errors } = await answer('{ secret }');
      expect(errors).toEqual([
        expect.objectContaining({
          extensions: expect.objectContaining({ code: 'SESSION_LOGIN_REQUIRED', status: 401 }),
        }),
      ]);
    });
  });

  it.each(['{ total }', '{ page { visitors } }', 'mutation { add(n: 1) }'])(
    'is answered 503 without any text for operators while the store is down: %s',
    async (query) => {
      await data('mutation { add(n: 2) }');
      application.store.before = () => {
        throw new Error('connect ECONNREFUSED 10.0.0.7');
      };
      const { status, body, text } = await send(query);
      expect(status).toBe(503);
      const { errors } = body as Answer;
      expect(errors).toEqual([
        expect.objectContaining({
          message: 'the session store is unavailable',
          extensions: expect.objectContaining({ code: 'SESSION_STORE_UNAVAILABLE', status: 503 }),
        }),
      ]);
      expect(text).not.toMatch(/ECONN|memory|could not/);
      application.store.before = () => undefined;
      expect(await data('{ total }')).toEqual({ total: 2 });
    },
  );

  describe('failed operations', () => {
    const failing = [
      { what: 'a mutation', query: 'mutation { addAndFail(n: 10) }', change: 10 },
      { what: 'a query', query: '{ countAndFail }', change: 1 },
      { what: 'a mutation that a guard refuses', query: 'mutation { refused }', change: 1_000 },
    ];

    it.each(failing)("are forgotten with commitOn: 'success': $what", async ({ query }) => {
      use(forgetting);
      await data('mutation { add(n: 1) }');
      expect((await answer(query)).errors).toHaveLength(1);
      expect(await data('{ total }')).toEqual({ total: 1 });
    });

    it.each(failing)('are kept without it: $what', async ({ query, change }) => {
      await data('mutation { add(n: 1) }');
      expect((await answer(query)).errors).toHaveLength(1);
      expect(await data('{ total }')).toEqual({ total: 1 + change });
    });

    it("take nothing of other mutations along with commitOn: 'success'", async () => {
      use(forgetting);
      const { data: given } = await answer('mutation { a: add(n: 1) b: addAndFail(n: 10) c: add(n: 100) }');
      expect(given).toEqual({ a: 1, b: null, c: 101 });
      expect(await data('{ total }')).toEqual({ total: 101 });
    });

    it('do not log in', async () => {
      expect((await answer('mutation { loginAndFail }')).errors).toHaveLength(1);
      expect(await data('{ user }')).toEqual({ user: 'nobody' });
    });
  });

  describe('mutations of one request', () => {
    it('run one after the other, each of them stored, under aliases', async () => {
      await data('mutation { add(n: 0) }');
      application.store.reset();
      expect(
        await data('mutation { a: readAndWrite(name: "a") b: readAndWrite(name: "b") c: readAndWrite(name: "c") }'),
      ).toEqual({ a: 1, b: 2, c: 3 });
      expect(application.store.calls.save).toBe(3);
      expect(await data('{ total log }')).toEqual({ total: 3, log: ['a', 'b', 'c'] });
    });

    it('run one after the other in a batch', async () => {
      const names = ['a', 'b', 'c', 'd'];
      const { body } = await client.post(
        '/graphql',
        names.map((name) => ({ query: `mutation { readAndWrite(name: "${name}") }` })),
      );
      expect(body).toEqual(names.map((_, index) => ({ data: { readAndWrite: index + 1 } })));
      expect(await data('{ total log }')).toEqual({ total: 4, log: names });
    });

    it('share the lock that each of them asks for', async () => {
      await data('mutation { add(n: 1) }');
      const query = 'mutation { addLocked(n: 1) }';
      const { body } = await client.post('/graphql', [{ query }, { query }]);
      expect(body).toEqual([{ data: { addLocked: 2 } }, { data: { addLocked: 3 } }]);
    });

    it('do not wait for themselves when they run operations of their own', async () => {
      expect(await data('mutation { addInside }')).toEqual({ addInside: 3 });
      expect(await data('{ total }')).toEqual({ total: 3 });
    });

    it('store what field resolvers change in what they have returned', async () => {
      expect(await data('mutation { order { items } }')).toEqual({ order: { items: ['ordered'] } });
      expect(await data('{ log }')).toEqual({ log: ['ordered'] });
    });

    it('go on under a new id after a login', async () => {
      await data('mutation { add(n: 1) }');
      const before = client.cookie;
      expect(await data('mutation { login(name: "ann") add(n: 1) }')).toEqual({ login: 'ann', add: 2 });
      expect(client.cookie).not.toBe(before);
      expect(await data('{ user total }')).toEqual({ user: 'ann', total: 2 });
    });
  });
});
