import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Post } from '@nestjs/common';
import {
  HttpSession,
  MemorySessionStore,
  SessionContext,
  SessionEndedError,
  SessionEvents,
  SessionRegistry,
} from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import { Counter } from '../support/counter.js';
import { Client } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { patterns } from '../support/session-patterns.js';

let watching = new Latch();

@Controller()
class SignalController {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  /** Answers when the session has ended. */
  @Get('watch')
  async watch(): Promise<object> {
    const signal = this.session.signal as AbortSignal;
    const principal = { before: this.session.principal, told: 'nobody' };
    signal.addEventListener('abort', () => (principal.told = this.session.principal ?? 'none'));
    watching.open();
    await once(signal, 'abort');
    const { code, reason = 'unknown' } = signal.reason as SessionEndedError;
    return { code, reason, principal };
  }

  @Get('read') read(): number {
    return this.counter.value;
  }

  @Post('write') write(): void {
    this.counter.value++;
  }

  @Post('renew') renew(): void {
    this.session.renewId();
  }

  @Post('login/:user') login(@Param('user') user: string): Promise<void> {
    return this.session.login(user);
  }

  @Post('logout') logout(): Promise<void> {
    return this.session.logout();
  }

  /** What one request sees of its own doings. */
  @Post('own')
  async own(): Promise<string> {
    const { session } = this;
    const seen = [session.signal === undefined];
    await session.login('ann');
    seen.push(session.signal === undefined);
    await session.flush();
    const ofAnn = session.signal as AbortSignal;
    seen.push(ofAnn === session.signal, !ofAnn.aborted);
    await session.logout();
    seen.push(ofAnn.aborted, (ofAnn.reason as SessionEndedError).reason === 'logout', session.signal === ofAnn);
    return seen.join();
  }
}

const setUp = { adapter: 'express' as const, beans: [Counter], controllers: [SignalController] };

describe.each(patterns)('HttpSession.signal of a session that is kept $pattern', ({ open }) => {
  let shared: Awaited<ReturnType<typeof open>>;
  const servers: TestApplication[] = [];
  const ended: { readonly reason: string; readonly principal: string | undefined }[] = [];
  let client: Client;

  beforeAll(async () => {
    shared = await open();
    for (const store of shared.stores) {
      const server = await startApplication({ ...setUp, session: { ...shared.options, store } });
      servers.push(server);
      server.app
        .get(SessionEvents)
        .on('ended', ({ reason, session: { principal } }) => void ended.push({ reason, principal }));
    }
  }, 180_000);
  afterAll(async () => {
    for (const server of servers) await server.close();
    await shared.close();
  });

  const url = (path: string): string => `${(servers[0] as TestApplication).url}${path}`;
  /** On the other server, where there is one. */
  const otherUrl = (path: string): string => `${(servers.at(-1) as TestApplication).url}${path}`;

  beforeEach(async () => {
    watching = new Latch();
    ended.length = 0;
    client = new Client();
    await client.post(url('/login/ann'));
  });

  async function watch(): Promise<{ readonly told: Promise<{ readonly body: unknown }> }> {
    const told = client.get(otherUrl('/watch'));
    await watching.opened;
    return { told };
  }

  it('is aborted by a logout on another server, in the context of its reader; the event tells it once', async () => {
    const { told } = await watch();
    const rest = client.copy();
    await Promise.all([client.post(url('/logout')), rest.post(otherUrl('/logout'))]);
    expect((await told).body).toMatchObject({ code: 'SESSION_ENDED', principal: { before: 'ann', told: 'ann' } });
    expect(ended).toStrictEqual([{ reason: 'logout', principal: 'ann' }]);
  });

  it('goes on with a new id and with changes, and is aborted when another principal logs in', async () => {
    const { told } = await watch();
    let isOver = false;
    void told.then(() => (isOver = true));
    await client.post(url('/renew'));
    await client.post(url('/write'));
    await client.post(url('/login/ann'));
    // A look that takes one of these for the end is over by then.
    for (let i = 0; i < 20; i++) await client.get(otherUrl('/read'));
    expect(isOver).toBe(false);
    await client.post(url('/login/bob'));
    expect((await told).body).toMatchObject({ code: 'SESSION_ENDED' });
    expect(ended).toStrictEqual([{ reason: 'login', principal: 'ann' }]);
  });
});

describe.each(adapters)('HttpSession.signal, $adapter,', ({ adapter }) => {
  it('is aborted for a session whose time is over, with that reason', async () => {
    const clock = new ManualClock();
    const store = new CountingStore(new MemorySessionStore({ clock }));
    const server = await startApplication({ ...setUp, adapter, store, session: { clock, store } });
    try {
      const client = new Client(server.app);
      await client.post('/login/ann');
      watching = new Latch();
      const told = client.get('/watch');
      await watching.opened;
      // By then it was looked at.
      await client.get('/read');
      clock.advance(24 * 3_600_000);
      expect((await told).body).toMatchObject({ reason: 'expired' });
    } finally {
      await server.close();
    }
  });

  it.each([
    ['its user is signed out everywhere', 'revoked', (registry: SessionRegistry) => registry.revokeAll('ann')],
    ['all sessions are ended', 'revoked', (registry: SessionRegistry) => registry.revokeEverySession()],
  ])('is aborted when %s', async (_, reason, end) => {
    const server = await startApplication({ ...setUp, adapter });
    try {
      const client = new Client(server.app);
      await client.post('/login/ann');
      watching = new Latch();
      const told = client.get('/watch');
      await watching.opened;
      await client.get('/read');
      await end(server.app.get(SessionRegistry));
      expect((await told).body).toMatchObject({ reason });
    } finally {
      await server.close();
    }
  });

  it('is undefined until the session is stored, and knows the end that its own request has made', async () => {
    const server = await startApplication({ ...setUp, adapter });
    try {
      const answer = await new Client(server.app).post('/own');
      expect(answer.text).toBe('true,true,true,true,true,true,true');
    } finally {
      await server.close();
    }
  });

  it('works in SessionContext.run(), and is stopped when the work is over', async () => {
    const server = await startApplication({ ...setUp, adapter });
    try {
      const client = new Client(server.app);
      await client.post('/login/ann');
      const sessions = server.app.get(SessionContext);
      const session = server.app.get(HttpSession);
      const headers = { cookie: client.cookie };
      const { signal, handle } = await sessions.run({ headers }, () => ({
        signal: session.signal as AbortSignal,
        handle: session.handle,
      }));
      if (!handle) throw new Error('no handle');
      await sessions.run(handle, async () => {
        const here = session.signal as AbortSignal;
        await client.post('/logout');
        expect(here.aborted).toBe(true);
      });
      expect(signal.aborted).toBe(false);
    } finally {
      await server.close();
    }
  });

  it('costs requests that do not read it no call of the store', async () => {
    const server = await startApplication({ ...setUp, adapter });
    try {
      const client = new Client(server.app);
      await client.post('/login/ann');
      server.store.reset();
      await client.get('/read');
      expect(server.store.total).toBe(1);
    } finally {
      await server.close();
    }
  });
});
