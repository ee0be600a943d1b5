import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SessionWebSocketsModule } from 'nestjs-session-beans/websockets';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { liveSessionCount } from '../support/live-session-count.js';
import { nestIsAtLeast } from '../support/nest-release.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import {
  OfConnection,
  PlainGateway,
  ScopedGateway,
  SeenBy,
  Tally,
  TallyController,
  TallyGateway,
  resetSteps,
  steps,
} from '../support/tally-gateway.js';
import { type TestSocket, connectSocket, socketKinds } from '../support/test-sockets.js';

const platforms = adapters.flatMap(({ adapter }) => socketKinds.map((sockets) => ({ adapter, ...sockets })));

describe.each(platforms)('a gateway with @UseSession(), $kind on $adapter,', ({ adapter, kind, useAdapter }) => {
  let server: TestApplication;
  let client: Client;
  const sockets: TestSocket[] = [];
  const connect = async (cookie = client.cookie): Promise<TestSocket> => {
    const socket = await connectSocket(kind, server.url, cookie);
    sockets.push(socket);
    return socket;
  };
  const stored = async (): Promise<Tally> => (await client.get('/')).body as Tally;

  beforeEach(async () => {
    resetSteps();
    server = await startApplication({
      adapter,
      imports: [SessionWebSocketsModule],
      beans: [Tally],
      controllers: [TallyController],
      providers: [TallyGateway, ScopedGateway, PlainGateway, OfConnection, SeenBy],
      prepare: useAdapter,
    });
    client = new Client(server.app);
    await client.post('/login/ann');
  });
  afterEach(async () => {
    steps.goOn.open();
    for (const socket of sockets.splice(0)) socket.close();
    await eventually('no request holds a session', () => liveSessionCount(server.app) === 0);
    await server.close();
  });

  it('has the session of the handshake, and stores each message before its reply', async () => {
    const socket = await connect();
    expect(await socket.ask('who')).toBe('ann');
    expect(await socket.ask('count')).toBe(1);
    expect((await stored()).count).toBe(1);
    expect(await socket.ask('count')).toBe(2);
    expect((await stored()).count).toBe(2);
  });

  it('is closed when its session ends, and told why', async () => {
    const socket = await connect();
    const another = await connect();
    await socket.ask('who');
    await client.post('/logout');
    const told =
      kind === 'ws' ? { code: 4401, told: 'SESSION_ENDED' } : { told: { status: 'error', code: 'SESSION_ENDED' } };
    expect(await socket.ended).toStrictEqual(told);
    expect(await another.ended).toStrictEqual(told);
  });

  it('is closed also by a logout that a message asks for', async () => {
    const socket = await connect();
    socket.send('logout');
    await socket.ended;
    expect((await client.get('/')).body).toMatchObject({ count: 0 });
  });

  it('goes on when the session gets a new id, and ends when another principal logs in', async () => {
    const socket = await connect();
    await client.post('/renew');
    expect(await socket.ask('count')).toBe(1);
    await client.post('/login/ann');
    expect(await socket.ask('count')).toBe(2);
    expect((await stored()).count).toBe(2);
    await client.post('/login/bob');
    await socket.ended;
  });

  it('is told of a conflict with its code, and nothing is lost', async () => {
    const socket = await connect();
    const other = await connect();
    const first = socket.ask('note', { text: 'first' });
    await steps.entered.opened;
    const second = other.ask('note', { text: 'second' });
    await other.ask('count');
    steps.goOn.open();
    const answers = await Promise.all([first, second]);
    const refused = answers.filter((answer) => typeof answer === 'object');
    expect(refused).toMatchObject([{ status: 'error', code: 'SESSION_CONFLICT' }]);
    expect(await stored()).toMatchObject({ count: 1, note: answers.find((answer) => typeof answer === 'string') });
  });

  it('stores nothing of a message that fails', async () => {
    const socket = await connect();
    expect(await socket.ask('fail')).toMatchObject({ status: 'error' });
    expect(await socket.ask('count')).toBe(1);
  });

  it('stores before each value of an observable, and what came before an error', async () => {
    const socket = await connect();
    expect(await socket.ask('three')).toBe('last');
    expect(socket.replies).toStrictEqual([1, 2, 3, 'last']);
    expect((await stored()).count).toBe(3);
    expect(await socket.ask('three', { text: 'fail' })).toMatchObject({ status: 'error' });
    // All that was answered is stored, and nothing else.
    expect((await stored()).count).toBe(socket.replies.filter((value) => typeof value === 'number').length);
  });

  it('stores before each value of an async generator', async () => {
    const socket = await connect();
    const last = socket.ask('generate');
    await eventually('the first value came', () => socket.replies.length === 1);
    expect((await stored()).count).toBe(1);
    steps.goOn.open();
    expect(await last).toBe(2);
    expect((await stored()).count).toBe(2);
  });

  it('has the session in guards, interceptors and pipes, whose changes are stored as well', async () => {
    const socket = await connect();
    expect(await socket.ask('enhanced')).toBe('guard:ann before:ann pipe:ann');
    expect((await stored()).seen).toStrictEqual(['guard:ann', 'before:ann', 'pipe:ann', 'after:ann']);
    expect(await socket.ask('enhanced', { text: 'forbidden' })).toMatchObject({ status: 'error' });
    expect((await stored()).seen).toHaveLength(4);
  });

  it('serves @RequireLogin() and @SessionLock()', async () => {
    const socket = await connect();
    const stranger = await connect('');
    expect(await socket.ask('mine')).toBe('mine');
    expect(await stranger.ask('mine')).toMatchObject({ code: 'SESSION_LOGIN_REQUIRED' });
    const answers = await Promise.all([1, 2, 3, 4].map(() => socket.ask('locked')));
    expect(answers).toStrictEqual(['x', 'xx', 'xxx', 'xxxx']);
  });

  it('has no session where the handshake brings none: it reads as nobody, and changes are refused', async () => {
    const socket = await connect('');
    expect(await socket.ask('who')).toBe('nobody');
    expect(await socket.ask('count')).toMatchObject({ code: 'SESSION_RESPONSE_COMMITTED' });
    const other = await connect();
    expect(await other.ask('login')).toMatchObject({ code: 'SESSION_RESPONSE_COMMITTED' });
    expect(await other.ask('who')).toBe('ann');
  });

  it('works where Nest makes a gateway for each connection, as Nest 12 does', async () => {
    const socket = await connect();
    const another = await connect();
    const answers = nestIsAtLeast('12.0.0')
      ? [await socket.ask('scoped'), await socket.ask('scoped'), await another.ask('scoped')]
      : ['1 1', '2 2', '1 3'];
    expect(answers).toStrictEqual(['1 1', '2 2', '1 3']);
  });

  it('leaves messages alone that do not use the session', async () => {
    const socket = await connect();
    await socket.ask('who');
    server.store.reset();
    expect(await socket.ask('plain')).toBe(false);
    expect(await socket.ask('skip')).toBe('SessionContextNotActiveError');
    expect(server.store.total).toBe(0);
  });

  it('finishes and stores a message whose client has left', async () => {
    const socket = await connect();
    socket.send('note', { text: 'left' });
    await steps.entered.opened;
    socket.close();
    await socket.ended;
    await eventually('the server has noticed', () => steps.connections.includes('disconnected somebody'));
    steps.goOn.open();
    await eventually('it is stored', async () => (await stored()).note === 'left!');
    expect(liveSessionCount(server.app)).toBe(0);
  });

  it('stops an observable whose client has left', async () => {
    const socket = await connect();
    socket.send('ticks');
    await eventually('it has begun', () => socket.replies.length > 0);
    socket.close();
    await steps.goOn.opened;
    expect(steps.connections).toContain('connected ann');
  });

  it('tells handleConnection() and handleDisconnect() the session', async () => {
    (await connect()).close();
    (await connect('')).close();
    await eventually('all are told', () => steps.connections.length === 4);
    expect(steps.connections.toSorted()).toStrictEqual([
      'connected ann',
      'connected nobody',
      'disconnected nobody',
      'disconnected somebody',
    ]);
  });
});

it('an application does not start with a gateway that uses the session, and nothing that opens it', async () => {
  const setUp = { adapter: 'express' as const, beans: [Tally], providers: [TallyGateway, SeenBy] };
  await expect(startApplication(setUp)).rejects.toThrow(
    /^TallyGateway\.\w+ uses the session, but .* import SessionWebSocketsModule of nestjs-session-beans\/websockets/,
  );
});
