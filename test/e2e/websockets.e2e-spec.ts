import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, type OnGatewayConnection, MessageBody } from '@nestjs/websockets';
import { HttpSession, Merge, SessionContext, SessionScoped, UseSession } from 'nestjs-session-beans';
import { SessionWebSocketsModule, sessionOf } from 'nestjs-session-beans/websockets';
import { Client } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { type TestSocket, connectSocket, socketKinds } from '../support/test-sockets.js';

@SessionScoped({ name: 'tally' })
class Tally {
  @Merge('sum') count = 0;
  note = '';
}

interface Asked {
  readonly id: number;
  readonly text?: string;
}

const reply = ({ id }: Asked, value: unknown): object => ({ event: 'reply', data: { id, value } });

@UseSession()
@WebSocketGateway()
class TallyGateway {
  constructor(
    private readonly tally: Tally,
    private readonly session: HttpSession,
  ) {}

  @SubscribeMessage('count')
  count(@MessageBody() asked: Asked): object {
    return reply(asked, ++this.tally.count);
  }

  @SubscribeMessage('who')
  who(@MessageBody() asked: Asked): object {
    return reply(asked, this.session.principal ?? 'nobody');
  }
}

@Controller()
class TallyController {
  constructor(
    private readonly tally: Tally,
    private readonly session: HttpSession,
  ) {}

  @Get() read(): number {
    return this.tally.count;
  }

  @Post('login') login(): Promise<void> {
    return this.session.login('ann');
  }

  @Post('logout') logout(): Promise<void> {
    return this.session.logout();
  }

  @Post('renew') renew(): void {
    this.session.renewId();
  }
}

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

  beforeEach(async () => {
    server = await startApplication({
      adapter,
      imports: [SessionWebSocketsModule],
      beans: [Tally],
      controllers: [TallyController],
      providers: [TallyGateway],
      prepare: useAdapter,
    });
    client = new Client(server.app);
    await client.post('/login');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close();
    await server.close();
  });

  it('has the session of the handshake, and stores each message before its reply', async () => {
    const socket = await connect();
    expect(await socket.ask('who')).toBe('ann');
    expect(await socket.ask('count')).toBe(1);
    expect(await client.text('/')).toBe('1');
    expect(await socket.ask('count')).toBe(2);
    expect(await client.text('/')).toBe('2');
  });

  it('is closed when its session ends, and told why', async () => {
    const socket = await connect();
    await socket.ask('who');
    await client.post('/logout');
    expect(await socket.ended).toStrictEqual(
      kind === 'ws' ? { code: 4401, told: 'SESSION_ENDED' } : { told: { status: 'error', code: 'SESSION_ENDED' } },
    );
  });
});
