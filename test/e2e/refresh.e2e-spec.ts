import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, type MessageEvent, Param, Post, Res, Sse } from '@nestjs/common';
import { HttpSession, Merge, SessionContext, type SessionHandle, SessionScoped } from 'nestjs-session-beans';
import { createTestSession } from 'nestjs-session-beans/testing';
import { Observable } from 'rxjs';
import { Client } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';
import { patterns } from '../support/session-patterns.js';

@SessionScoped({ name: 'tally' })
class Tally {
  @Merge('sum') count = 0;
  note = '';
}

/** Each waits at its own gate, then goes on. */
let entered = new Latch();
let goOn = new Latch();
let closed = new Latch();
let after: (tally: Tally, session: HttpSession) => Promise<unknown> = () => Promise.resolve();

@Controller()
class LongController {
  @Inject() private readonly tally!: Tally;
  @Inject() private readonly session!: HttpSession;

  /** Reads, waits, and does what the test says. */
  @Get('long') async long(@Res({ passthrough: true }) response: ServerResponse): Promise<object> {
    response.once('close', closed.open);
    const before = this.tally.count;
    entered.open();
    await goOn.opened;
    const then = await after(this.tally, this.session);
    return { before, then: then ?? this.tally.count };
  }

  @Sse('events') events(): Observable<MessageEvent> {
    return new Observable((subscriber) => {
      const look = async (): Promise<void> => {
        subscriber.next({ data: `n=${this.tally.count}` });
        entered.open();
        await goOn.opened;
        await after(this.tally, this.session);
        subscriber.next({ data: `n=${this.tally.count}` });
        subscriber.complete();
      };
      void look();
    });
  }

  @Get() read(): object {
    return { count: this.tally.count, note: this.tally.note };
  }

  @Post('count/:n') count(@Param('n') n: string): void {
    this.tally.count += Number(n);
  }

  @Post('note/:text') note(@Param('text') text: string): void {
    this.tally.note = text;
  }

  @Post('renew') renew(): void {
    this.session.renewId();
  }

  @Post('logout') logout(): Promise<void> {
    return this.session.logout();
  }
}

describe.each(patterns)('session.refresh() in a session that is kept $pattern', ({ open }) => {
  let shared: Awaited<ReturnType<typeof open>>;
  const servers: TestApplication[] = [];
  let handle: SessionHandle;
  let cookie: string;

  beforeAll(async () => {
    shared = await open();
    for (const store of shared.stores) {
      servers.push(
        await startApplication({
          adapter: 'express',
          beans: [Tally],
          controllers: [LongController],
          session: shared.options,
          store: new CountingStore(store),
        }),
      );
    }
  });
  afterAll(async () => {
    for (const server of servers.splice(0)) await server.close();
    await shared.close();
  });
  beforeEach(async () => {
    [entered, goOn, closed] = [new Latch(), new Latch(), new Latch()];
    after = (_, session) => session.refresh().then(() => undefined);
    ({ handle, cookie } = await createTestSession(server(0).app, {
      principal: 'ann',
      setUp: ({ bean }) => (bean(Tally).count = 1),
    }));
  });

  const server = (n: number): TestApplication => servers[n % servers.length] as TestApplication;
  const client = (): Client => Object.assign(new Client(), { cookie });
  const url = (path: string, n = 0): string => `${server(n).url}${path}`;
  const post = async (path: string): Promise<void> => {
    expect((await client().post(url(path, 1))).status).toBe(201);
  };
  /** Begins long work on the first server, lets the second one change the session, and goes on. */
  const overtaken = async (...paths: string[]): Promise<{ status: number; body: unknown }> => {
    const long = client().get(url('/long'));
    await entered.opened;
    for (const path of paths) await post(path);
    goOn.open();
    const { status, body } = await long;
    return { status, body };
  };
  const stored = async (): Promise<unknown> => (await client().get(url('/'))).body;

  it('shows what others have stored meanwhile, which nothing else does', async () => {
    expect(await overtaken('/count/10', '/note/theirs')).toEqual({ status: 200, body: { before: 1, then: 11 } });
    [entered, goOn] = [new Latch(), new Latch()];
    after = () => Promise.resolve();
    expect((await overtaken('/count/10')).body).toEqual({ before: 11, then: 11 });
  });

  it('keeps what was changed and is not stored, and merges it', async () => {
    after = async (tally, session) => {
      tally.count += 100;
      await session.refresh();
      const seen = [tally.count, tally.note];
      // Not stored by that.
      expect(await stored()).toEqual({ count: 11, note: 'theirs' });
      tally.count += 1_000;
      return seen;
    };
    expect((await overtaken('/count/10', '/note/theirs')).body).toEqual({ before: 1, then: [111, 'theirs'] });
    expect(await stored()).toEqual({ count: 1_111, note: 'theirs' });
  });

  it('leaves a bean that cannot be merged as it is, and the change is refused when it is to be stored', async () => {
    after = async (tally, session) => {
      tally.note = 'mine';
      await session.refresh();
      return tally.note;
    };
    expect(await overtaken('/note/theirs')).toMatchObject({ status: 409 });
    expect(await stored()).toEqual({ count: 1, note: 'theirs' });
  });

  it.each(['/logout', '/renew'])('is refused when the session of the id has ended: %s', async (path) => {
    after = (_, session) =>
      session.refresh().catch((error: Error & { code: string }) => [error.constructor.name, error.code]);
    expect((await overtaken(path)).body).toEqual({ before: 1, then: ['SessionEndedError', 'SESSION_ENDED'] });
  });

  it('goes on under a new id in work by handle, and is refused after a logout', async () => {
    const app = server(0).app;
    const tally = app.get(Tally);
    const work = app.get(SessionContext).run(handle, async (session) => {
      expect(tally.count).toBe(1);
      await post('/count/10');
      await post('/renew');
      await session.refresh();
      const seen = tally.count;
      await app.get(SessionContext).run(handle, (inner) => inner.logout());
      return [seen, await session.refresh().catch((error: Error) => error.constructor.name)];
    });
    expect(await work).toEqual([11, 'SessionEndedError']);
  });

  it('serves an event stream', async () => {
    const raw = await RawClient.open(server(0).url);
    raw.request('/events', [`Cookie: ${cookie}`]);
    await entered.opened;
    await post('/count/10');
    goOn.open();
    expect(await raw.until((text) => text.includes('n=11'))).toContain('n=1\n');
    raw.destroy();
  });

  it('serves code whose client has left', async () => {
    const raw = await RawClient.open(server(0).url);
    raw.request('/long', [`Cookie: ${cookie}`]);
    await entered.opened;
    await post('/count/10');
    let seen: unknown;
    after = async (tally, session) => {
      await session.flush();
      await session.refresh();
      seen = tally.count;
    };
    raw.destroy();
    await closed.opened;
    goOn.open();
    expect(await eventually('it has looked', () => seen as number | undefined)).toBe(11);
  });

  it('stores a login that is pending before, and shows what goes on after it', async () => {
    const newcomer = new Client();
    await newcomer.post(url('/count/5'));
    after = async (tally, session) => {
      await session.login('bob');
      await session.refresh();
      return [session.principal, tally.count, session.authenticatedAt !== undefined];
    };
    goOn.open();
    expect((await newcomer.get(url('/long'))).body).toEqual({ before: 5, then: ['bob', 5, true] });
  });

  it('costs one load, and nothing where there is no session', async () => {
    const [{ app, store }] = servers as [TestApplication];
    await app.get(SessionContext).run(handle, async (session) => {
      store.reset();
      await session.refresh();
      expect(store.calls).toMatchObject({ load: 1, save: 0, touch: 0, destroy: 0 });
    });
    await app.get(SessionContext).run({ headers: {} }, async (session) => {
      store.reset();
      await session.refresh();
      expect(store.total).toBe(0);
    });
  });

  it('says so when the store is down, and the stream may try again', async () => {
    const [{ app, store }] = servers as [TestApplication];
    await app.get(SessionContext).run(handle, async (session) => {
      store.before = () => {
        throw new Error('cut off');
      };
      await expect(session.refresh()).rejects.toMatchObject({ code: 'SESSION_STORE_UNAVAILABLE' });
      store.before = () => undefined;
      await session.refresh();
      app.get(Tally).count++;
    });
    expect(await stored()).toMatchObject({ count: 2 });
  });
});
