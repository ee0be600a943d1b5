import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Post, Query } from '@nestjs/common';
import { HttpSession, type OnBeanDestroyed, SessionEvents, SessionScoped } from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import type { Response } from 'supertest';
import { Client, setCookies } from '../support/client.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

let destroyed: string[] = [];

/** Goes on when somebody logs in. */
@SessionScoped({ name: 'cart' })
class Cart implements OnBeanDestroyed {
  items: string[] = [];

  onBeanDestroyed(): void {
    destroyed.push(`the cart with ${this.items.join()}`);
  }
}

/** Begins anew then: somebody else may have planted it. */
@SessionScoped({ name: 'csrf', onLogin: 'reset' })
class CsrfSecret implements OnBeanDestroyed {
  value = 'none';

  onBeanDestroyed(): void {
    destroyed.push(`the secret ${this.value}`);
  }
}

let entered = new Latch();
let goOn = new Latch();

@Controller()
class ShopController {
  constructor(
    private readonly session: HttpSession,
    private readonly cart: Cart,
    private readonly csrf: CsrfSecret,
  ) {}

  @Get()
  see(): object {
    const { session, cart, csrf } = this;
    // Before a bean is touched: these are the stored ones.
    const { principal = 'nobody', beanNames } = session;
    return { principal, cart: cart.items, secret: csrf.value, note: session.get('note') ?? 'none', beans: beanNames };
  }

  @Post('fill')
  fill(@Query('with') text: string): object {
    this.cart.items.push(text);
    this.csrf.value = text;
    this.session.set('note', text);
    return this.see();
  }

  /** Fills the session first, and stays until it is let go. */
  @Post('slow-fill')
  async slowFill(@Query('with') text: string): Promise<object> {
    const seen = this.fill(text);
    entered.open();
    await goOn.opened;
    return seen;
  }

  /** Fills the session, and lets users log in, one after the other. Answers what it sees then. */
  @Post('login/:users')
  async login(@Param('users') users: string, @Query('with') text?: string): Promise<object> {
    if (text !== undefined) this.fill(text);
    for (const user of users.split(',')) await this.session.login(user);
    return this.see();
  }

  /** Logs in while the session that it starts is being stored. */
  @Post('login-meanwhile/:user')
  async loginMeanwhile(@Param('user') user: string, @Query('with') text: string): Promise<object> {
    this.fill(text);
    const stored = this.session.flush();
    await this.session.login(user);
    await stored;
    return this.see();
  }

  @Post('login-then-fill/:user')
  async loginThenFill(@Param('user') user: string, @Query('with') text: string): Promise<object> {
    await this.session.login(user);
    return this.fill(text);
  }

  @Get('times')
  times(): object {
    const { createdAt, authenticatedAt } = this.session;
    return { createdAt, authenticatedAt };
  }
}

const EMPTY = { cart: [], secret: 'none', note: 'none' };

describe.each(adapters)('login(), $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let clock: ManualClock;
  let client: Client;
  beforeEach(() => {
    destroyed = [];
    [entered, goOn] = [new Latch(), new Latch()];
  });
  afterEach(() => server.close());

  async function start(attributesOnLogin?: 'keep' | 'reset'): Promise<void> {
    clock = new ManualClock();
    server = await startApplication({
      adapter,
      beans: [Cart, CsrfSecret],
      controllers: [ShopController],
      session: { clock, attributesOnLogin },
    });
    client = new Client(server.app);
  }
  const body = async (response: Promise<Response>): Promise<unknown> => (await response).body;
  const see = (who = client) => body(who.get('/'));
  const post = (path: string, who = client) => body(who.post(path));
  const times = async () => (await client.get('/times')).body as { createdAt: number; authenticatedAt?: number };

  describe('where nobody was logged in,', () => {
    it('keeps beans, except those that begin anew; attributes begin anew as well', async () => {
      await start();
      await post('/fill?with=tea');

      const seen = await post('/login/ann');

      expect(seen).toMatchObject({ ...EMPTY, principal: 'ann', cart: ['tea'] });
      expect(await see()).toMatchObject({ ...EMPTY, principal: 'ann', cart: ['tea'] });
    });

    it('stores no more than what it keeps', async () => {
      await start();
      await post('/fill?with=tea');
      await post('/login/ann');
      expect(await see()).toMatchObject({ beans: ['cart'] });
    });

    it('does so with what the same request has changed before', async () => {
      await start();
      expect(await post('/login/ann?with=tea')).toMatchObject({ ...EMPTY, cart: ['tea'] });
      expect(await see()).toMatchObject({ ...EMPTY, cart: ['tea'] });
    });

    it('stores what the same request changes afterwards, in all of them', async () => {
      await start();
      await post('/fill?with=tea');
      await post('/login-then-fill/ann?with=milk');
      expect(await see()).toMatchObject({ principal: 'ann', cart: ['tea', 'milk'], secret: 'milk', note: 'milk' });
    });

    it('counts while the session that its request starts is still being stored', async () => {
      await start();
      expect(await post('/login-meanwhile/ann?with=tea')).toMatchObject({ principal: 'ann', cart: ['tea'] });
      expect(await see()).toMatchObject({ ...EMPTY, principal: 'ann', cart: ['tea'] });
    });

    it("keeps attributes with attributesOnLogin: 'keep'", async () => {
      await start('keep');
      await post('/fill?with=tea');
      expect(await post('/login/ann')).toMatchObject({ cart: ['tea'], secret: 'none', note: 'tea' });
      expect(await see()).toMatchObject({ cart: ['tea'], secret: 'none', note: 'tea' });
    });

    it('is no end of anything: no hook runs', async () => {
      await start();
      await post('/fill?with=tea');
      await post('/login/ann');
      expect(destroyed).toEqual([]);
    });
  });

  describe('C6 in the session of another user,', () => {
    beforeEach(async () => {
      await start('keep');
      await post('/login/alice');
      await post('/fill?with=tea');
    });

    it('shows nothing of hers, neither to its own request nor later', async () => {
      expect(await post('/login/bob')).toMatchObject({ ...EMPTY, principal: 'bob' });
      expect(await see()).toMatchObject({ ...EMPTY, principal: 'bob' });
    });

    it('nor what its own request has changed before, which was hers', async () => {
      expect(await post('/login/bob?with=milk')).toMatchObject({ ...EMPTY, principal: 'bob' });
      expect(await see()).toMatchObject({ ...EMPTY, principal: 'bob' });
    });

    it('keeps what its own request changes afterwards', async () => {
      await post('/login-then-fill/bob?with=milk');
      expect(await see()).toMatchObject({ principal: 'bob', cart: ['milk'], secret: 'milk', note: 'milk' });
    });

    it('runs onBeanDestroyed() of her beans', async () => {
      await post('/login/bob');
      expect(destroyed.toSorted()).toEqual(['the cart with tea', 'the secret tea']);
    });

    it('tells of the end of her session', async () => {
      const ended: unknown[] = [];
      server.app.get(SessionEvents).on('ended', ({ session, reason }) => ended.push([session.principal, reason]));
      await post('/login/bob');
      expect(ended).toEqual([['alice', 'login']]);
    });

    it('does not give her anything back when she logs in again', async () => {
      await post('/login/bob');
      expect(await post('/login/alice')).toMatchObject({ ...EMPTY, principal: 'alice' });
    });

    it('gives him a session that began with his login', async () => {
      const hers = await times();
      clock.advance(60_000);
      await post('/login/bob');
      const now = clock.now();
      expect(await times()).toEqual({ createdAt: now, authenticatedAt: now });
      expect(hers.createdAt).toBe(now - 60_000);
    });

    it('R22 refuses what her requests store that were under way, and sets no cookie with them', async () => {
      const slow = client.copy().post('/slow-fill?with=milk');
      await entered.opened;
      await post('/login/bob');
      goOn.open();
      const late = await slow;
      expect([late.status, setCookies(late)]).toEqual([409, []]);
      expect(await see()).toMatchObject({ ...EMPTY, principal: 'bob' });
    });
  });

  describe('of the same user again, a re-authentication,', () => {
    beforeEach(async () => {
      await start();
      await post('/login/ann');
      await post('/fill?with=tea');
    });

    it('keeps everything, under a new id', async () => {
      const before = client.copy();
      const answer = await client.post('/login/ann');
      expect(setCookies(answer)).toHaveLength(1);
      expect(answer.body).toMatchObject({ principal: 'ann', cart: ['tea'], secret: 'tea', note: 'tea' });
      expect(await see()).toMatchObject({ principal: 'ann', cart: ['tea'], secret: 'tea', note: 'tea' });
      expect(await see(before)).toMatchObject({ ...EMPTY, principal: 'nobody' });
    });

    it('tells when it was, and when the session began', async () => {
      const before = await times();
      clock.advance(60_000);
      await post('/login/ann');
      expect(await times()).toEqual({ createdAt: before.createdAt, authenticatedAt: clock.now() });
    });

    it('ends nothing: no hook runs', async () => {
      await post('/login/ann');
      expect(destroyed).toEqual([]);
    });
  });

  it('counts as the last one where a request calls it for several users', async () => {
    await start();
    await post('/fill?with=tea');
    // Bob does not get what Ann would have kept.
    expect(await post('/login/ann,bob')).toMatchObject({ ...EMPTY, principal: 'bob' });
    expect(await see()).toMatchObject({ ...EMPTY, principal: 'bob' });
  });

  it('tells nothing of a login where there was none', async () => {
    await start();
    await post('/fill?with=tea');
    expect(await times()).toEqual({ createdAt: clock.now() });
  });
});
