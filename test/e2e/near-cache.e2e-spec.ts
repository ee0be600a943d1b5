import { Controller, Get, Scope } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HttpSession, MemorySessionStore, type SessionModuleOptions, type SessionStore } from 'nestjs-session-beans';
import { Counter } from '../support/counter.js';
import { Latch } from '../support/latch.js';
import { NoticeBoard } from '../support/notice-board.js';
import {
  type AdapterName,
  type BeanScope,
  type TestApplication,
  platforms,
  startApplication,
} from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

let stored = new Latch();
let answering = new Latch();

type Cookies = Readonly<Record<string, string>>;

@Controller()
class PeekController {
  constructor(
    private readonly counter: Counter,
    private readonly session: HttpSession,
  ) {}

  @Get('count')
  count(): number {
    return ++this.counter.value;
  }

  /** Has stored what it did long before it answers. */
  @Get('slow-count')
  async slowCount(): Promise<number> {
    const value = ++this.counter.value;
    await this.session.flush();
    stored.open();
    await answering.opened;
    return value;
  }

  @Get('login')
  login(): Promise<void> {
    return this.session.login('somebody');
  }

  @Get('logout')
  logout(): Promise<void> {
    return this.session.logout();
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
      await start(adapter, scope, board.forServer(2), 's1'),
    ];
  });
  afterAll(() => Promise.all(servers.map((server) => server.close())));

  /** The cookies that the client has afterwards, and the names of those it was given. */
  const send = async (server: 0 | 1, path: string, known: Cookies = {}) => {
    const header = Object.entries(known).map((pair) => pair.join('='));
    const { status, body, cookies } = await RawClient.exchange(
      servers[server].url,
      path,
      header.length === 0 ? [] : [`Cookie: ${header.join('; ')}`],
    );
    const given = Object.fromEntries(cookies.map((line) => line.slice(0, line.indexOf(';')).split('=')));
    return { status, body, given: Object.keys(given), cookies: { ...known, ...given } as Cookies };
  };
  const savesIn = ({ 'sid-seen': seen }: Cookies): string | undefined => seen?.slice(9);

  it('is the number of saves it has seen, in a cookie beside the id, with each response that shows more', async () => {
    const first = await send(0, '/count');
    expect(first.cookies['sid']).toMatch(/^[\w-]{65}\.s1$/);
    expect(first.cookies['sid-seen']).toMatch(/^[\w-]{8}\.1$/);
    expect(await send(0, '/peek', first.cookies)).toMatchObject({ body: 'n=1', given: [] });
    const second = await send(0, '/count', first.cookies);
    expect(second).toMatchObject({ body: '2', given: ['sid-seen'] });
    expect(savesIn(second.cookies)).toBe('2');
    expect(await send(0, '/peek', second.cookies)).toMatchObject({ body: 'n=2', given: [] });
  });

  it('lets it read its own write on a server that was not told yet, and only it', async () => {
    const { cookies } = await send(0, '/count');
    const seenThere = await send(1, '/peek', cookies);
    board.isDelivering = false;
    try {
      const written = await send(0, '/count', cookies);
      expect((await send(1, '/peek', seenThere.cookies)).body).toBe('n=1');
      expect((await send(1, '/peek', written.cookies)).body).toBe('n=2');
    } finally {
      board.isDelivering = true;
      board.deliver();
    }
  });

  it('says nothing after a logout, so that it is one on every server at once', async () => {
    const { cookies } = await send(0, '/count');
    const seenThere = await send(1, '/peek', cookies);
    board.isDelivering = false;
    try {
      const left = await send(0, '/logout', seenThere.cookies);
      expect(left).toMatchObject({ given: ['sid', 'sid-seen'], cookies: { sid: '', 'sid-seen': '-' } });
      // A client that does not forget its id.
      expect((await send(1, '/peek', { ...seenThere.cookies, 'sid-seen': '-' })).body).toBe('n=0');
    } finally {
      board.isDelivering = true;
      board.deliver();
    }
  });

  it('says nothing after a logout, not even to clients whose requests were under way', async () => {
    [stored, answering] = [new Latch(), new Latch()];
    const { cookies } = await send(0, '/count');
    const seenThere = await send(1, '/peek', cookies);
    board.isDelivering = false;
    try {
      const writing = send(0, '/slow-count', seenThere.cookies);
      await stored.opened;
      await send(0, '/logout', seenThere.cookies);
      answering.open();
      const written = await writing;
      expect(written).toMatchObject({ status: 200, body: '2', given: ['sid-seen'], cookies: { 'sid-seen': '-' } });
      expect((await send(1, '/peek', written.cookies)).body).toBe('n=0');
    } finally {
      board.isDelivering = true;
      board.deliver();
    }
  });

  it('R22: no request that goes on with the old id brings it back after a login', async () => {
    for (let round = 0; round < 20; round++) {
      const { cookies } = await send(0, '/count');
      await send(1, '/peek', cookies);
      const requests = Array.from({ length: 10 }, (_, i) =>
        send((i % 2) as 0 | 1, i % 3 ? '/peek' : '/count', cookies),
      );
      const login = send(0, '/login', cookies);
      for (const { given } of await Promise.all(requests)) expect(given.filter((name) => name === 'sid')).toEqual([]);
      expect((await login).given).toEqual(['sid', 'sid-seen']);
    }
  });
});

it('travels in a header of its own where the id does', async () => {
  const board = new NoticeBoard(new MemorySessionStore());
  const server = await start('express', Scope.DEFAULT, board.forServer(1), 's1', { idTransport: 'header' });
  try {
    const first = await RawClient.exchange(server.url, '/count');
    const [token, seen] = [first.header('X-Session-Id'), first.header('X-Session-Seen')];
    expect(seen).toMatch(/\.1$/);
    const headers = [`X-Session-Id: ${token}`, `X-Session-Seen: ${seen}`];
    const second = await RawClient.exchange(server.url, '/count', headers);
    expect([second.header('X-Session-Id'), second.header('X-Session-Seen')]).toEqual([
      undefined,
      seen?.replace(/1$/, '2'),
    ]);
  } finally {
    await server.close();
  }
});
