import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param, Post } from '@nestjs/common';
import {
  HttpSession,
  Merge,
  SessionContext,
  SessionEndedError,
  type SessionHandle,
  SessionLock,
  SessionScoped,
} from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { Latch } from '../support/latch.js';
import { liveSessionCount } from '../support/live-session-count.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { patterns } from '../support/session-patterns.js';

@SessionScoped({ name: 'tally' })
class Tally {
  @Merge('sum') count = 0;
  note = '';
}

/** What a job of the application does. */
@Injectable()
class Jobs {
  constructor(
    readonly sessions: SessionContext,
    readonly tally: Tally,
  ) {}

  count(handle: SessionHandle, meanwhile?: () => Promise<unknown>): Promise<void> {
    return this.sessions.run(handle, async () => {
      this.tally.count++;
      await meanwhile?.();
    });
  }
}

let entered = new Latch();
let goOn = new Latch();

@Controller()
class TallyController {
  constructor(
    private readonly session: HttpSession,
    private readonly tally: Tally,
  ) {}

  @Get() read(): object {
    return { count: this.tally.count, note: this.tally.note, handle: this.session.handle ?? 'none' };
  }

  @Post('count') count(): void {
    this.tally.count++;
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

  @Get('slow')
  async slow(): Promise<number> {
    entered.open();
    await goOn.opened;
    await this.session.flush();
    return this.tally.count;
  }

  @SessionLock()
  @Post('exclusive')
  async exclusive(): Promise<void> {
    entered.open();
    await goOn.opened;
  }
}

describe.each(patterns)('work in a session that is kept $pattern', ({ open }) => {
  let shared: Awaited<ReturnType<typeof open>>;
  const servers: TestApplication[] = [];
  let client: Client;
  let handle: SessionHandle;

  beforeAll(async () => {
    shared = await open();
    for (const store of shared.stores) {
      const session = { ...shared.options, store };
      const setUp = { adapter: 'express', beans: [Tally], controllers: [TallyController], providers: [Jobs], session };
      servers.push(await startApplication(setUp as Parameters<typeof startApplication>[0]));
    }
  }, 180_000);
  afterAll(async () => {
    for (const server of servers.splice(0)) await server.close();
    await shared.close();
  });

  /** The server of the requests, and the other one, which does the jobs. */
  const url = (path: string): string => `${(servers[0] as TestApplication).url}${path}`;
  const other = (): TestApplication => servers.at(-1) as TestApplication;
  const jobs = (): Jobs => other().app.get(Jobs);
  /** As the store has it: a copy is not trusted for a client that does not say how much it has been shown. */
  const read = async (): Promise<{ count: number; note: string; handle: SessionHandle }> => {
    const cookie = client.agent.jar.getCookie('sid', { domain: '127.0.0.1', path: '/', secure: false, script: false });
    return (await new Client().get(url('/'), { cookie: cookie?.toValueString() ?? '' })).body as never;
  };

  beforeEach(async () => {
    [entered, goOn] = [new Latch(), new Latch()];
    client = new Client();
    await client.post(url('/login/ann'));
    ({ handle } = await read());
  });
  it('is stored when the promise resolves, and nobody sees it before', async () => {
    await client.post(url('/count'));
    await jobs().count(handle, async () => {
      expect(await read()).toMatchObject({ count: 1 });
    });
    expect(await read()).toMatchObject({ count: 2 });
  });

  it('stores nothing when it throws, except what it has flushed', async () => {
    const failing = other()
      .app.get(SessionContext)
      .run(handle, async (session) => {
        jobs().tally.note = 'flushed';
        await session.flush();
        jobs().tally.note = 'lost';
        throw new Error('of the work');
      });
    await expect(failing).rejects.toThrow('of the work');
    expect(await read()).toMatchObject({ note: 'flushed' });
  });

  it('sees what a request has stored right before, also if a copy of before is here', async () => {
    for (let count = 1; count <= 5; count++) {
      await client.post(url('/count'));
      expect(await jobs().sessions.run(handle, () => jobs().tally.count)).toBe(count);
    }
  });

  it('loses no change of many requests and jobs at once', async () => {
    const jobsOfBoth = servers.map(({ app }) => app.get(Jobs));
    const work = Array.from({ length: 60 }, (_, i) =>
      i % 2 === 0 ? client.copy().post(url('/count')) : (jobsOfBoth[i % jobsOfBoth.length] as Jobs).count(handle),
    );
    await Promise.all(work);
    expect(await read()).toMatchObject({ count: 60 });
  });

  it('goes on when the session gets a new id meanwhile, on each of the servers', async () => {
    for (const { app } of servers) {
      const { count } = await read();
      await app.get(Jobs).count(handle, async () => {
        await client.post(url('/renew'));
        await client.post(url('/count'));
        await app.get(HttpSession).flush();
        await client.post(url('/renew'));
      });
      expect(await read()).toMatchObject({ count: count + 2, handle });
    }
  });

  it('opens nothing for somebody with a former id', async () => {
    const former = client.copy();
    await jobs().count(handle, () => client.post(url('/renew')));
    expect((await former.get(url('/'))).body).toMatchObject({ count: 0, handle: 'none' });
    expect((await former.post(url('/count'))).status).toBe(409);
    expect(await read()).toMatchObject({ count: 1 });
  });

  it('shows a request with a former id nothing of what came after, though it finds the session there', async () => {
    const request = client.copy().get(`${other().url}/slow`);
    await entered.opened;
    await client.post(url('/renew'));
    await client.post(url('/count'));
    expect(await jobs().sessions.run(handle, () => jobs().tally.count)).toBe(1);
    goOn.open();
    expect((await request).text).toBe('0');
  });

  it('is refused when the session ends meanwhile', async () => {
    const refused = jobs().count(handle, () => client.post(url('/logout')));
    await expect(refused).rejects.toBeInstanceOf(SessionEndedError);
    expect(await read()).toMatchObject({ handle: 'none' });
  });

  it('is refused when another principal logs in meanwhile, who sees nothing of it', async () => {
    const refused = jobs().count(handle, () => client.post(url('/login/bob')));
    await expect(refused).rejects.toBeInstanceOf(SessionEndedError);
    expect(await read()).toMatchObject({ count: 0 });
  });

  it('that only reads is done, though the session ends meanwhile', async () => {
    const work = jobs().sessions.run(handle, async () => {
      await client.post(url('/logout'));
      return jobs().tally.count;
    });
    await expect(work).resolves.toBe(0);
  });

  it('is not begun when the session has ended, or its principal has changed', async () => {
    let begun = 0;
    const work = (named: SessionHandle): Promise<number> => jobs().sessions.run(named, () => ++begun);
    await client.post(url('/login/bob'));
    await expect(work(handle)).rejects.toBeInstanceOf(SessionEndedError);
    const next = (await read()).handle;
    await expect(work(next)).resolves.toBe(1);
    await client.post(url('/logout'));
    await expect(work(next)).rejects.toBeInstanceOf(SessionEndedError);
    expect(begun).toBe(1);
  });

  it('ends the session for everybody with logout()', async () => {
    await jobs().sessions.run(handle, (session) => session.logout());
    expect(await read()).toMatchObject({ handle: 'none' });
  });

  it('has the session for itself in runExclusive(), also when it gets a new id meanwhile', async () => {
    const order: string[] = [];
    const [begun, end] = [new Latch(), new Latch()];
    const work = jobs().sessions.run(handle, (session) =>
      session.runExclusive(async () => {
        begun.open();
        await end.opened;
        order.push('job');
        jobs().tally.note = 'of the job';
      }),
    );
    await begun.opened;
    await client.post(url('/renew'));
    goOn.open();
    const request = client.post(url('/exclusive')).then(() => order.push('request'));
    // It is there, and has not entered.
    await client.post(url('/count'));
    end.open();
    await Promise.all([work, request]);
    expect(order).toEqual(['job', 'request']);
    expect(await read()).toMatchObject({ note: 'of the job', count: 1 });
  });

  it('waits in runExclusive() for a handler that has the session for itself, also under a new id', async () => {
    const request = client.copy().post(url('/exclusive'));
    await entered.opened;
    let isDone = false;
    const work = jobs().sessions.run(handle, (session) =>
      session.runExclusive(() => {
        isDone = true;
        jobs().tally.note = 'after it';
      }),
    );
    await client.post(url('/renew'));
    await read();
    expect(isDone).toBe(false);
    goOn.open();
    await Promise.all([request, work]);
    expect(await read()).toMatchObject({ note: 'after it' });
  });

  it('is let go when it is over', () => {
    const isKept = shared.options.nearCache !== undefined;
    expect(servers.filter(({ app }) => !isKept && liveSessionCount(app) > 0)).toEqual([]);
  });
});
