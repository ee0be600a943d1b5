import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Delete, Get, NotFoundException, Param, Post, Query } from '@nestjs/common';
import {
  HttpSession,
  type OnBeanDestroyed,
  SessionEvents,
  type SessionInfo,
  type SessionModuleOptions,
  type SessionPage,
  SessionRegistry,
  SessionScoped,
} from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import request from 'supertest';
import { type AdapterName, type TestApplication, adapters, startApplication } from '../support/platforms.js';

let destroyed: string[] = [];

@SessionScoped({ name: 'cart' })
class Cart implements OnBeanDestroyed {
  items: string[] = [];

  onBeanDestroyed(): void {
    destroyed.push(this.items.join());
  }
}

@Controller()
class AccountController {
  constructor(
    private readonly session: HttpSession,
    private readonly registry: SessionRegistry,
    private readonly cart: Cart,
  ) {}

  @Get()
  see(): object {
    return { principal: this.session.principal ?? 'nobody', beans: this.session.beanNames };
  }

  @Post('login/:user')
  async login(@Param('user') user: string): Promise<object> {
    this.cart.items.push(`of ${user}`);
    await this.session.login(user);
    await this.session.flush();
    return { handle: this.session.handle };
  }

  @Post('start')
  start(): void {
    this.session.start();
  }

  @Post('renew')
  renew(): void {
    this.session.renewId();
  }

  @Get('sessions')
  list(@Query('limit') limit?: string, @Query('after') after?: string): Promise<SessionPage> {
    return this.registry.list(this.user, { limit: limit === undefined ? undefined : Number(limit), after });
  }

  @Delete('sessions/:handle')
  async end(@Param('handle') handle: string): Promise<void> {
    if (!(await this.registry.revoke(this.user, handle))) throw new NotFoundException();
  }

  @Delete('sessions')
  endAll(@Query('but') but?: string): Promise<number> {
    return this.registry.revokeAll(this.user, { except: but === 'this' ? this.session.handle : undefined });
  }

  @Delete('everything')
  endEverything(): Promise<void> {
    return this.registry.revokeEverySession();
  }

  private get user(): string {
    return this.session.principal ?? '';
  }
}

let running: TestApplication | undefined;
let clock: ManualClock;
let ended: [reason: string, handle: string | undefined, principal: string | undefined][];

afterEach(async () => {
  await running?.close();
  running = undefined;
});

async function start(adapter: AdapterName, session: SessionModuleOptions = {}): Promise<TestApplication> {
  clock = new ManualClock();
  destroyed = [];
  ended = [];
  const options = { adapter, beans: [Cart], controllers: [AccountController], session: { clock, ...session } };
  running = await startApplication(options);
  running.app
    .get(SessionEvents)
    .on('ended', ({ reason, session: { handle, principal } }) => void ended.push([reason, handle, principal]));
  return running;
}

/** A device of a user: keeps its cookie. */
class Device {
  private readonly agent: ReturnType<typeof request.agent>;
  handle = '';

  constructor(
    { url }: TestApplication,
    private readonly name = 'a browser',
  ) {
    this.agent = request.agent(url);
  }

  async login(user: string, status = 201): Promise<this> {
    const { body } = await this.agent.post(`/login/${user}`).set('user-agent', this.name).expect(status);
    this.handle = (body as { handle: string }).handle;
    clock.advance(2_000);
    return this;
  }

  async post(path: string): Promise<void> {
    await this.agent.post(path).expect(201);
  }

  async user(): Promise<unknown> {
    return ((await this.agent.get('/').expect(200)).body as { principal: unknown }).principal;
  }

  async sessions(query = ''): Promise<{ readonly sessions: readonly SessionInfo[]; readonly next?: string }> {
    return (await this.agent.get(`/sessions${query}`).expect(200)).body as { sessions: SessionInfo[]; next?: string };
  }

  async handles(query?: string): Promise<string[]> {
    return (await this.sessions(query)).sessions.map(({ handle }) => handle);
  }

  async delete(path: string, status = 200): Promise<string> {
    return (await this.agent.delete(path).expect(status)).text;
  }
}

describe.each(adapters)('R43: the registry of sessions ($adapter)', ({ adapter }) => {
  it('R43 lists the sessions of a user, the newest login first, with labels, times and the current one', async () => {
    const labels = (asking: unknown): Record<string, string> => {
      const { headers } = asking as { headers: Record<string, string> };
      return { device: headers['user-agent'] as string };
    };
    const application = await start(adapter, { labels });
    const phone = await new Device(application, 'a phone'.padEnd(300, '.')).login('ann');
    const laptop = await new Device(application, 'a laptop').login('ann');
    await new Device(application).login('bob');
    const { sessions } = await phone.sessions();
    expect(sessions.map(({ handle, current }) => [handle, current])).toEqual([
      [laptop.handle, false],
      [phone.handle, true],
    ]);
    expect(sessions.map(({ labels: { device } }) => device)).toEqual(['a laptop', 'a phone'.padEnd(256, '.')]);
    const [{ createdAt, authenticatedAt, lastAccessedAt, expiresAt } = {} as SessionInfo] = sessions;
    expect([authenticatedAt, lastAccessedAt]).toEqual([createdAt, createdAt]);
    expect(expiresAt).toBeGreaterThan(createdAt);
    expect(JSON.stringify(sessions)).not.toMatch(/proof|principal|parts/);
  });

  it('collects nothing by default, and hides its own parts from the application', async () => {
    const application = await start(adapter);
    const device = await new Device(application).login('ann');
    expect((await device.sessions()).sessions.map(({ labels }) => labels)).toEqual([{}]);
    const labelled = await start(adapter, { labels: () => ({ place: 'here' }) });
    const agent = request.agent(labelled.url);
    await agent.post('/login/ann').expect(201);
    expect((await agent.get('/').expect(200)).body).toEqual({ principal: 'ann', beans: ['cart'] });
  });

  it('gives page after page', async () => {
    const application = await start(adapter);
    const devices: Device[] = [];
    for (let i = 0; i < 5; i++) devices.unshift(await new Device(application).login('ann'));
    const [device] = devices as [Device];
    const met: string[] = [];
    let next: string | undefined;
    do {
      const page = await device.sessions(`?limit=2${next === undefined ? '' : `&after=${next}`}`);
      met.push(...page.sessions.map(({ handle }) => handle));
      next = page.next;
    } while (next !== undefined);
    expect(met).toEqual(devices.map(({ handle }) => handle));
  });

  it('ends a session, and tells who it was', async () => {
    const application = await start(adapter);
    const [phone, laptop] = [await new Device(application).login('ann'), await new Device(application).login('ann')];
    await phone.post('/renew');
    await laptop.delete(`/sessions/${phone.handle}`);
    expect([await phone.user(), await laptop.user()]).toEqual(['nobody', 'ann']);
    expect(ended).toEqual([['revoked', phone.handle, 'ann']]);
    expect(destroyed).toEqual(['of ann']);
    expect(await laptop.handles()).toEqual([laptop.handle]);
    await laptop.delete(`/sessions/${phone.handle}`, 404);
    expect(ended).toHaveLength(1);
  });

  it("ends nobody else's session, whatever text an address names", async () => {
    const application = await start(adapter);
    const [ann, bob] = [await new Device(application).login('ann'), await new Device(application).login('bob')];
    const former = bob.handle;
    for (const text of [bob.handle, 'x', encodeURIComponent(`${ann.handle} `), ann.handle.slice(0, -1)])
      await ann.delete(`/sessions/${text}`, 404);
    // Bob's session becomes Ann's, and his handle names it no more.
    await bob.login('ann');
    await ann.delete(`/sessions/${former}`, 404);
    expect([await ann.user(), await bob.user()]).toEqual(['ann', 'ann']);
    await ann.delete(`/sessions/${bob.handle}`);
    expect(await bob.user()).toBe('nobody');
  });

  it('R43 ends all sessions of a user but one, or all of them', async () => {
    const application = await start(adapter);
    const devices: Device[] = [];
    for (let i = 0; i < 4; i++) devices.push(await new Device(application).login('ann'));
    const [one, other] = devices as [Device, Device];
    const bob = await new Device(application).login('bob');
    expect(await one.delete('/sessions?but=this')).toBe('3');
    expect([await one.user(), await other.user()]).toEqual(['ann', 'nobody']);
    expect(await one.delete('/sessions')).toBe('1');
    expect([await one.user(), await bob.user()]).toEqual(['nobody', 'bob']);
    expect(ended.filter(([reason]) => reason === 'revoked')).toHaveLength(4);
  });

  it('ends all sessions of all users at once, also anonymous ones, and lets new ones begin', async () => {
    const application = await start(adapter);
    const [ann, bob] = [await new Device(application).login('ann'), await new Device(application).login('bob')];
    const stranger = new Device(application);
    await stranger.post('/start');
    await ann.delete('/everything');
    expect([await ann.user(), await bob.user(), await stranger.user()]).toEqual(['nobody', 'nobody', 'nobody']);
    clock.advance(1);
    await bob.login('bob');
    expect(await bob.user()).toBe('bob');
    expect(await bob.handles()).toEqual([bob.handle]);
  });

  it('refuses to look for nobody', async () => {
    const application = await start(adapter);
    await request(application.url).get('/sessions').expect(500);
    await request(application.url).delete('/sessions').expect(500);
    await request(application.url).delete('/sessions/x').expect(500);
  });
});

describe.each(adapters)('a limit of sessions per user ($adapter)', ({ adapter }) => {
  it('ends the session whose login is the longest ago', async () => {
    const application = await start(adapter, { principalLimit: { max: 2 } });
    const devices: Device[] = [];
    for (let i = 0; i < 3; i++) devices.push(await new Device(application).login('ann'));
    const bob = await new Device(application).login('bob');
    expect(await Promise.all(devices.map((device) => device.user()))).toEqual(['nobody', 'ann', 'ann']);
    expect(ended).toEqual([['limit', devices[0]?.handle, 'ann']]);
    // A login again makes a session the newest.
    await devices[1]?.login('ann');
    await bob.login('ann');
    expect(await Promise.all(devices.map((device) => device.user()))).toEqual(['nobody', 'ann', 'nobody']);
  });

  it('refuses the login, and leaves everything as it was', async () => {
    const application = await start(adapter, { principalLimit: { max: 1, onExceeded: 'reject' } });
    const first = await new Device(application).login('ann');
    const second = await new Device(application).login('ann', 403);
    expect([await first.user(), await second.user()]).toEqual(['ann', 'nobody']);
    const bob = await new Device(application).login('bob');
    await bob.login('ann', 403);
    expect(await bob.user()).toBe('bob');
    await first.login('ann');
    await first.delete('/sessions');
    await second.login('ann');
    expect(await second.user()).toBe('ann');
  });

  it('is refused at boot where the store cannot find the sessions of a user', async () => {
    const { store } = await start(adapter);
    const without = Object.create(store, { principals: { value: undefined } }) as typeof store;
    const booting = startApplication({ adapter, store: without, session: { principalLimit: { max: 2 } } });
    await expect(booting).rejects.toThrow(/principalLimit.*memory.*cannot find the sessions of a user/);
  });

  it('refuses at boot to refuse logins where the store cannot do that', async () => {
    const { store } = await start(adapter);
    const limited = Object.create(store, {
      principals: { value: { ...store.principals, limit: 'end' } },
    }) as typeof store;
    const boot = (onExceeded: 'reject' | 'end-least-recent') =>
      startApplication({ adapter, store: limited, session: { principalLimit: { max: 2, onExceeded } } });
    await expect(boot('reject')).rejects.toThrow(
      /principalLimit\.onExceeded = "reject": allowed is 'end-least-recent' with store memory/,
    );
    await (await boot('end-least-recent')).close();
  });

  it.each([[{ max: 0 }], [{ max: 1.5 }], [{ max: 2, onExceeded: 'end' }], [{}], [{ max: 1, maximum: 2 }]])(
    'is refused at boot: %j',
    async (principalLimit) => {
      const session = { principalLimit } as unknown as SessionModuleOptions;
      await expect(startApplication({ adapter, session })).rejects.toThrow(/principalLimit/);
    },
  );
});
