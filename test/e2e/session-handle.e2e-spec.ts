import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Post } from '@nestjs/common';
import { HttpSession, type SessionHandle } from 'nestjs-session-beans';
import { Client, setCookies } from '../support/client.js';
import { Counter } from '../support/counter.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

/** The jobs of the application, each with the session that has ordered it. */
const jobs = new Map<string, SessionHandle | undefined>();

let entered = 0;
let bothEntered = new Latch();

@Controller()
class JobController {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  @Get('handle')
  handle(): object {
    return { handle: this.session.handle ?? 'none' };
  }

  @Post('count')
  count(): number {
    return ++this.counter.value;
  }

  @Post('start')
  start(): object {
    this.session.start();
    return this.handle();
  }

  @Post('jobs/:name')
  order(@Param('name') name: string): void {
    this.counter.value++;
    jobs.set(name, this.session.handle);
  }

  /** The jobs that this session has ordered. */
  @Get('jobs')
  own(): string[] {
    return [...jobs].filter(([, handle]) => handle === this.session.handle).map(([name]) => name);
  }

  @Post('renew')
  renew(): object {
    this.session.renewId();
    return this.handle();
  }

  @Post('login/:user')
  async login(@Param('user') user: string): Promise<object> {
    await this.session.login(user);
    return this.handle();
  }

  /** Orders a job for the user who logs in; two of these requests wait for each other. */
  @Post('login/:user/jobs/:name')
  async loginAndOrder(@Param('user') user: string, @Param('name') name: string): Promise<void> {
    await this.session.login(user);
    jobs.set(name, this.session.handle);
    if (++entered === 2) bothEntered.open();
    await bothEntered.opened;
  }

  @Post('logout')
  async logout(): Promise<object> {
    await this.session.logout();
    return this.handle();
  }
}

describe.each(adapters)('the handle of a session, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let client: Client;
  beforeEach(async () => {
    jobs.clear();
    [entered, bothEntered] = [0, new Latch()];
    server = await startApplication({ adapter, beans: [Counter], controllers: [JobController] });
    client = new Client(server.app);
  });
  afterEach(() => server.close());

  const handleOf = async (path?: string): Promise<string> => {
    const { body } = await (path === undefined ? client.get('/handle') : client.post(`/${path}`));
    return (body as { handle: string }).handle;
  };
  const jobsOf = async (who = client): Promise<unknown> => (await who.get('/jobs')).body;

  it('is none where there is no session, nor after its end', async () => {
    expect(await handleOf()).toBe('none');
    await client.post('/count');
    expect(await handleOf()).toMatch(/^sh1_[\w-]{22}_0$/);
    expect(await handleOf('logout')).toBe('none');
    expect(await handleOf()).toBe('none');
  });

  it('is known as soon as a session is asked for', async () => {
    const handle = await handleOf('start');
    expect(handle).toMatch(/^sh1_/);
    expect(await handleOf()).toBe(handle);
  });

  it('stays the same when the session gets a new id, and when its user logs in again', async () => {
    await client.post('/login/ann');
    const handle = await handleOf();
    for (const path of ['renew', 'login/ann', 'renew']) {
      const { cookie } = client;
      await client.post(`/${path}`);
      expect(client.cookie).not.toBe(cookie);
      expect(await handleOf()).toBe(handle);
    }
  });

  it('changes with each user who logs in to the session', async () => {
    await client.post('/count');
    const handles = new Set<string>();
    handles.add(await handleOf());
    for (const user of ['ann', 'bob', 'ann']) {
      await client.post(`/login/${user}`);
      handles.add(await handleOf());
    }
    expect(handles.size).toBe(4);
  });

  it('finds the jobs of a session after a new id, and not for the next user', async () => {
    await client.post('/login/ann');
    await client.post('/jobs/of-ann');
    await client.post('/renew');
    expect(await jobsOf()).toEqual(['of-ann']);
    await client.post('/login/bob');
    expect(await jobsOf()).toEqual([]);
    await client.post('/login/ann');
    expect(await jobsOf()).toEqual([]);
  });

  it('differs between two users who log in to one session at once', async () => {
    await client.post('/count');
    const logins = ['ann', 'bob'].map((user) => client.copy().post(`/login/${user}/jobs/of-${user}`));
    const [ann, bob] = (await Promise.all(logins)).map((answer) => {
      const given = new Client(server.app);
      given.cookie = setCookies(answer)[0]?.split(';')[0] ?? '';
      return given;
    });
    // Whichever was quicker has got the session; the other one has got a new session.
    expect(await jobsOf(ann)).not.toContain('of-bob');
    expect(await jobsOf(bob)).not.toContain('of-ann');
  });

  it('is no credential: presented as a cookie it is nothing', async () => {
    await client.post('/login/ann');
    const handle = await handleOf();
    const key = handle.slice('sh1_'.length, -'_1'.length);
    const presented = [handle, key, `${key}.${key}`, key.repeat(3).slice(0, 65), key + handle.repeat(2).slice(0, 43)];
    server.store.reset();
    for (const cookie of presented) {
      const { body } = await new Client(server.app).get('/handle', { cookie: `sid=${cookie}` });
      expect(body).toEqual({ handle: 'none' });
    }
    expect(server.store.calls).toMatchObject({ save: 0, touch: 0, destroy: 0 });
    expect(await handleOf()).toBe(handle);
  });
});
