import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from '../../support/client.js';
import { eventually } from '../../support/eventually.js';
import { Latch } from '../../support/latch.js';
import { liveSessionCount } from '../../support/live-session-count.js';
import { type TestApplication, startApplication } from '../../support/platforms.js';
import { GraphqlSocket, type Operation } from './graphql-socket.js';
import {
  Cart,
  CartResolver,
  ClockResolver,
  NewsResolver,
  OrderResolver,
  PageResolver,
  UserResolver,
  Visits,
  news,
  servers,
  slow,
  subscribers,
} from './shop.js';

describe.each(servers)('GraphQL over a WebSocket, $server', ({ adapter, module }) => {
  let application: TestApplication;
  let client: Client;
  const sockets: GraphqlSocket[] = [];

  beforeAll(async () => {
    application = await startApplication({
      adapter,
      beans: [Cart, Visits],
      imports: [module({})],
      providers: [CartResolver, OrderResolver, UserResolver, PageResolver, NewsResolver, ClockResolver],
    });
  });
  afterAll(() => application.close());
  beforeEach(async () => {
    slow.begun = new Latch();
    slow.goOn = new Latch();
    client = new Client(application.app);
    await http('mutation { login(name: "ann") add(n: 1) }');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close();
    await eventually('nobody listens', () => news.listenerCount('event') === 0);
    await eventually('no session is kept', () => liveSessionCount(application.app) === 0);
  });

  const http = async (query: string): Promise<unknown> => {
    const { body } = await client.post('/graphql', { query });
    return (body as { data: unknown }).data;
  };
  const total = (): Promise<unknown> => http('{ total }');
  const open = async (cookie = client.cookie): Promise<GraphqlSocket> => {
    const socket = await GraphqlSocket.open(application.url, cookie);
    sockets.push(socket);
    return socket;
  };
  const results = (operation: Operation, count: number): Promise<Operation['results']> =>
    eventually(`there are ${count} results`, () => operation.results.length >= count && operation.results);
  /** Subscribes, and waits until the server listens to events. */
  const subscribe = async (socket: GraphqlSocket, query: string): Promise<Operation> => {
    const before = news.listenerCount('event');
    const operation = socket.start(query);
    await eventually('it listens', () => news.listenerCount('event') > before);
    return operation;
  };
  const code = (value: string): unknown => expect.objectContaining({ code: value });

  it('runs the resolver of each event on the session as it is then, and stores what it changes', async () => {
    const operation = await subscribe(await open(), 'subscription { totals }');
    news.emit('event', 10);
    expect(await results(operation, 1)).toEqual([{ data: { totals: 11 } }]);
    expect(await http('mutation { add(n: 100) }')).toEqual({ add: 111 });
    news.emit('event', 10);
    expect(await results(operation, 2)).toEqual([{ data: { totals: 11 } }, { data: { totals: 121 } }]);
    expect(await total()).toEqual({ total: 121 });
  });

  it('keeps the sessions of several sockets, and the subscriptions of one, apart', async () => {
    const other = new Client(application.app);
    await other.post('/graphql', { query: 'mutation { add(n: 1000) }' });
    const [mine, theirs] = [await open(), await open(other.cookie)];
    const first = await subscribe(mine, 'subscription { totals }');
    const second = await subscribe(theirs, 'subscription { totals }');
    const third = await subscribe(mine, 'subscription { secrets }');
    news.emit('event', 1);
    expect(await results(first, 1)).toEqual([{ data: { totals: 2 } }]);
    expect(await results(second, 1)).toEqual([{ data: { totals: 1001 } }]);
    expect(await results(third, 1)).toEqual([{ data: { secrets: '1' } }]);
    expect(subscribers.splice(0)).toEqual(['ann']);
  });

  it('runs the field resolvers of an event in the session', async () => {
    const operation = await subscribe(await open(), 'subscription { pages { title visitors } }');
    for (const n of [1, 2]) {
      news.emit('event', 0);
      await results(operation, n);
    }
    expect(operation.results).toEqual([1, 2].map((visitors) => ({ data: { pages: { title: 'page', visitors } } })));
    expect(await http('{ page { visitors } }')).toEqual({ page: { visitors: 3 } });
  });

  it('gives an event that meets a conflict as the error of its field, and goes on', async () => {
    const operation = await subscribe(await open(), 'subscription { slowTotals }');
    news.emit('event', 50);
    await slow.begun.opened;
    await http('mutation { add(n: 1) }');
    slow.goOn.open();
    const [refused] = await results(operation, 1);
    expect(refused).toEqual({
      data: { slowTotals: null },
      errors: [expect.objectContaining({ extensions: code('SESSION_CONFLICT') })],
    });
    news.emit('event', 60);
    expect((await results(operation, 2))[1]).toEqual({ data: { slowTotals: 60 } });
    expect(await total()).toEqual({ total: 60 });
  });

  it.each(['totals', 'pages { title }'])('ends at once with a logout, and says so: %s', async (field) => {
    const socket = await open();
    const operation = await subscribe(socket, `subscription { ${field} }`);
    const other = await subscribe(socket, `subscription { ${field} }`);
    news.emit('event', 1);
    for (const { results: heard } of [operation, other]) await eventually('it is heard', () => heard.length === 1);
    await http('mutation { logout }');
    for (const ended of [operation, other]) {
      await eventually('it is over', () => ended.isOver);
      expect(ended.results).toHaveLength(2);
      expect(ended.results[1]).toEqual({
        data: null,
        errors: [expect.objectContaining({ extensions: code('SESSION_ENDED') })],
      });
    }
    expect(news.listenerCount('event')).toBe(0);
  });

  it('ends with a logout also where a generator waits for something else', async () => {
    const operation = (await open()).start('subscription { stuck }');
    await results(operation, 1);
    await http('mutation { logout }');
    await eventually('it is over', () => operation.isOver);
    expect((await results(operation, 2))[1]).toMatchObject({ errors: [{ extensions: code('SESSION_ENDED') }] });
  });

  it('says once that the session has ended, also when an event was on its way', async () => {
    const operation = await subscribe(await open(), 'subscription { slowTotals }');
    news.emit('event', 50);
    await slow.begun.opened;
    await http('mutation { logout }');
    slow.goOn.open();
    await eventually('it is over', () => operation.isOver);
    expect(operation.results).toEqual([
      { data: { slowTotals: null }, errors: [expect.objectContaining({ extensions: code('SESSION_ENDED') })] },
    ]);
  });

  it('ends as well when another user logs in, and goes on when the session gets a new id', async () => {
    const operation = await subscribe(await open(), 'subscription { totals }');
    await http('mutation { changeId }');
    news.emit('event', 1);
    expect(await results(operation, 1)).toEqual([{ data: { totals: 2 } }]);
    await http('mutation { login(name: "bob") }');
    expect((await results(operation, 2))[1]).toMatchObject({ errors: [{ extensions: code('SESSION_ENDED') }] });
  });

  it('asks for a login when a client subscribes', async () => {
    const operation = (await open('')).start('subscription { secrets }');
    const [refused] = await results(operation, 1);
    expect(JSON.stringify(refused)).toContain('SESSION_LOGIN_REQUIRED');
    expect(subscribers).toEqual([]);
  });

  it('runs each query and mutation that comes over the socket in the session', async () => {
    const socket = await open();
    const added = socket.start('mutation { a: add(n: 1) b: add(n: 2) }');
    expect(await results(added, 1)).toEqual([{ data: { a: 2, b: 4 } }]);
    const read = socket.start('{ total user secret page { visitors } }');
    expect(await results(read, 1)).toEqual([
      { data: { total: 4, user: 'ann', secret: 'secret', page: { visitors: 1 } } },
    ]);
    expect(await total()).toEqual({ total: 4 });
  });

  it('refuses a login, and a change without a session: no response could bring the cookie', async () => {
    const refused = expect.objectContaining({ message: expect.any(String) as unknown });
    const login = (await open()).start('mutation { login(name: "eve") }');
    expect(await results(login, 1)).toEqual([{ data: null, errors: [refused] }]);
    const add = (await open('')).start('mutation { add(n: 1) }');
    expect(await results(add, 1)).toEqual([{ data: null, errors: [refused] }]);
    const read = (await open('')).start('{ total user }');
    expect(await results(read, 1)).toEqual([{ data: { total: 0, user: 'nobody' } }]);
  });

  it('says where no session is open: in the body of a generator', async () => {
    const operation = (await open()).start('subscription { unopened }');
    await eventually('it is over', () => operation.isOver || operation.results.length > 0);
    expect(JSON.stringify(operation.results)).not.toContain('"unopened":1');
  });

  it('loads nothing for subscriptions that need no session', async () => {
    const operation = await subscribe(await open(), 'subscription { ticks }');
    application.store.reset();
    news.emit('event', 7);
    expect(await results(operation, 1)).toEqual([{ data: { ticks: 7 } }]);
    expect(application.store.total).toBe(0);
  });
});
