import { Controller, Get, Scope } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MemorySessionStore, type SessionModuleOptions, type SessionStore } from 'nestjs-session-beans';
import { Counter } from '../support/counter.bean.js';
import { NoticeBoard } from '../support/notice-board.js';
import {
  type AdapterName,
  type BeanScope,
  type TestApplication,
  platforms,
  startApplication,
} from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

@Controller()
class PeekController {
  constructor(private readonly counter: Counter) {}

  @Get('count')
  count(): number {
    return ++this.counter.value;
  }

  @Get('peek')
  peek(): string {
    return `n=${this.counter.value}`;
  }
}

function start(
  adapter: AdapterName,
  scope: BeanScope,
  store: SessionStore,
  nodeName: string,
  options: SessionModuleOptions = {},
): Promise<TestApplication> {
  const session = { store, nodeName, nearCache: { mode: 'bounded' }, ...options } as const;
  return startApplication({ adapter, scope, beans: [Counter], controllers: [PeekController], session });
}

describe.each(platforms)('what a client is told by a bounded near cache, $adapter, $mode,', ({ adapter, scope }) => {
  let board: NoticeBoard;
  let servers: readonly [TestApplication, TestApplication];

  beforeAll(async () => {
    board = new NoticeBoard(new MemorySessionStore());
    servers = [
      await start(adapter, scope, board.forServer(1), 's1'),
      await start(adapter, scope, board.forServer(2), 's2'),
    ];
  });
  afterAll(() => Promise.all(servers.map((server) => server.close())));

  const send = async (server: 0 | 1, path: string, token?: string) => {
    const cookie = token === undefined ? [] : [`Cookie: sid=${token}`];
    const { body, cookies } = await RawClient.exchange(servers[server].url, path, cookie);
    return { body, token: cookies[0] === undefined ? undefined : /^sid=([^;]*)/.exec(cookies[0])?.[1] };
  };

  it('is the route and the number of saves it has seen, with each response that shows it more', async () => {
    const { token } = await send(0, '/count');
    expect(token).toMatch(/^[\w-]{43}\.s1\.1$/);
    const id = (token as string).slice(0, 43);
    expect(await send(0, '/peek', token)).toEqual({ body: 'n=1', token: undefined });
    expect(await send(0, '/count', token)).toEqual({ body: '2', token: `${id}.s1.2` });
    expect(await send(1, '/peek', `${id}.s1.2`)).toEqual({ body: 'n=2', token: `${id}.s2.2` });
    expect(await send(0, '/peek', `${id}.s2.2`)).toEqual({ body: 'n=2', token: `${id}.s1.2` });
  });

  it('lets it read its own write on a server that was not told yet, and only it', async () => {
    const { token } = await send(0, '/count');
    const id = (token as string).slice(0, 43);
    await send(1, '/peek', token);
    board.isDelivering = false;
    try {
      const { token: newer } = await send(0, '/count', token);
      expect((await send(1, '/peek', `${id}.s2.1`)).body).toBe('n=1');
      expect(await send(1, '/peek', newer)).toEqual({ body: 'n=2', token: `${id}.s2.2` });
    } finally {
      board.isDelivering = true;
      board.deliver();
    }
  });

  it.each(['s1.zzzzzzzzzz', '-.0', 's9.00000000', 's1.s2.3.4', 's1'])(
    'counts for nothing when it is made up: %s',
    async (locator) => {
      const { token } = await send(0, '/count');
      const id = (token as string).slice(0, 43);
      expect(await send(0, '/peek', `${id}.${locator}`)).toEqual({ body: 'n=1', token });
    },
  );
});

it('travels in the header, too', async () => {
  const board = new NoticeBoard(new MemorySessionStore());
  const server = await start('express', Scope.DEFAULT, board.forServer(1), 's1', { idTransport: 'header' });
  try {
    const first = await RawClient.exchange(server.url, '/count');
    const token = first.header('X-Session-Id');
    expect(token).toMatch(/\.s1\.1$/);
    const second = await RawClient.exchange(server.url, '/count', [`X-Session-Id: ${token}`]);
    expect(second.header('X-Session-Id')).toBe(`${token?.slice(0, 43)}.s1.2`);
  } finally {
    await server.close();
  }
});
