import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  HttpSession,
  SessionContext,
  SessionEndedError,
  SessionEvents,
  type SessionHandle,
} from 'nestjs-session-beans';
import { SessionWebSocketsModule } from 'nestjs-session-beans/websockets';
import { Client } from '../support/client.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { patterns } from '../support/session-patterns.js';
import { SeenBy, Tally, TallyController, TallyGateway, resetSteps } from '../support/tally-gateway.js';
import { type TestSocket, connectSocket, socketKinds } from '../support/test-sockets.js';

const [socketIo, ws] = socketKinds;

describe.each(patterns)('sockets of a session that is kept $pattern', ({ open }) => {
  let shared: Awaited<ReturnType<typeof open>>;
  const servers: TestApplication[] = [];
  const ended: string[] = [];
  let client: Client;
  let sockets: TestSocket[] = [];

  beforeAll(async () => {
    shared = await open(3);
    for (const [i, store] of shared.stores.entries()) {
      const server = await startApplication({
        adapter: 'express',
        imports: [SessionWebSocketsModule],
        beans: [Tally],
        controllers: [TallyController],
        providers: [TallyGateway, SeenBy],
        session: { ...shared.options, store },
        prepare: (i === 0 ? ws : socketIo).useAdapter,
      });
      servers.push(server);
      server.app.get(SessionEvents).on('ended', ({ reason }) => void ended.push(reason));
    }
  }, 180_000);
  afterAll(async () => {
    for (const server of servers) await server.close();
    await shared.close();
  });

  const cookies = (): string => {
    const sent = client.agent.jar.getCookies({ domain: '127.0.0.1', path: '/', secure: false, script: false });
    return sent.map((cookie) => cookie.toValueString()).join('; ');
  };
  const at = (i: number): TestApplication => servers[i % servers.length] as TestApplication;
  /** On server `i`. The first one serves ws, the others socket.io. */
  const connect = async (i: number): Promise<TestSocket> => {
    const { kind } = i % servers.length === 0 ? ws : socketIo;
    const socket = await connectSocket(kind, at(i).url, cookies());
    sockets.push(socket);
    return socket;
  };

  beforeEach(async () => {
    resetSteps();
    ended.length = 0;
    client = new Client();
    await client.post(`${at(0).url}/login/ann`);
  });
  afterEach(() => {
    for (const socket of sockets) socket.close();
    sockets = [];
  });

  /** What a message, or work, sees in a session with this handle. */
  const count = (i: number, handle: SessionHandle): Promise<number> => {
    const { app } = at(i);
    return app.get(SessionContext).run(handle, () => app.get(Tally, { strict: false }).count);
  };
  const handleOf = async (): Promise<SessionHandle> => {
    const { app } = at(0);
    const session = app.get(HttpSession);
    const headers = { cookie: cookies() };
    return (await app.get(SessionContext).run({ headers }, () => session.handle)) as SessionHandle;
  };

  const connectAll = (): Promise<TestSocket[]> => Promise.all([0, 1, 2, 3, 4, 5].map(connect));

  it('keep all of 200 increments at once, half of them by HTTP, on all servers', async () => {
    const handle = await handleOf();
    const all = await connectAll();
    const messages = Array.from({ length: 100 }, (_, i) => (all[i % all.length] as TestSocket).ask('count'));
    const requests = Array.from({ length: 100 }, (_, i) => client.copy().post(`${at(i).url}/count`));
    for (const answer of await Promise.all(messages)) expect(typeof answer).toBe('number');
    for (const { status } of await Promise.all(requests)) expect(status).toBe(201);
    for (const i of [0, 1, 2]) expect(await count(i, handle)).toBe(200);
  });

  it('end with a logout on another server, under 50 messages, of which none is stored after it', async () => {
    const handle = await handleOf();
    const all = await connectAll();
    const send = (from: number): void => {
      for (let i = from; i < from + 25; i++) (all[i % all.length] as TestSocket).send('count');
    };
    send(0);
    const logout = client.post(`${at(0).url}/logout`);
    send(25);
    expect((await logout).status).toBe(201);
    for (const i of [0, 1, 2]) await expect(count(i, handle)).rejects.toThrow(SessionEndedError);
    for (const [i, socket] of all.entries()) {
      expect(await socket.ended).toMatchObject(
        i % servers.length === 0 ? { code: 4401, told: 'SESSION_ENDED' } : { told: { code: 'SESSION_ENDED' } },
      );
    }
    for (const i of [0, 1, 2]) await expect(count(i, handle)).rejects.toThrow(SessionEndedError);
    expect(ended).toStrictEqual(['logout']);
  });
});
