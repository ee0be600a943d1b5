import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { HttpSession, MemorySessionStore, type SessionTimeouts } from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import { Counter } from '../support/counter.js';
import { Client, setCookies } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

const MINUTE = 60_000;
let started = new Latch();
let goOn = new Latch();

@Controller()
class CountController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Get('peek') peek(): string {
    return `n=${this.counter.value}`;
  }

  @Get('principal') principal(): string {
    return this.session.principal ?? 'nobody';
  }

  @Get('renew') renew(): string {
    this.session.renewId();
    return 'ok';
  }

  @Get('long') async long(): Promise<string> {
    this.counter.value++;
    started.open();
    await goOn.opened;
    return 'ok';
  }

  @Get('long-stop') async longStop(): Promise<string> {
    for (let i = 0; i < 3; i++) {
      this.counter.value++;
      started.open();
      await goOn.opened;
      await this.session.flush();
    }
    return 'ok';
  }

  @Get('login/:user') async login(
    @Param('user') user: string,
    @Query() timeouts: Record<string, string>,
  ): Promise<string> {
    const given = Object.entries(timeouts).map(([name, ms]) => [name, Number(ms)]);
    await this.session.login(user, Object.fromEntries(given) as SessionTimeouts);
    return 'ok';
  }

  @Get('idle/:ms') idle(@Param('ms') ms: string): string {
    this.session.setTimeouts({ idleTimeoutMs: Number(ms) });
    return 'ok';
  }
}

describe.each(adapters)('R13 the end of a session, $adapter', ({ adapter }) => {
  let server: TestApplication;
  let clock: ManualClock;
  let client: Client;
  beforeEach(async () => {
    [started, goOn] = [new Latch(), new Latch()];
    clock = new ManualClock();
    server = await startApplication({
      adapter,
      beans: [Counter],
      controllers: [CountController],
      store: new CountingStore(new MemorySessionStore({ clock })),
      session: { clock, idleTimeoutMs: 30 * MINUTE, absoluteTimeoutMs: 120 * MINUTE, touchIntervalMs: MINUTE },
    });
    client = new Client(server.app);
    await client.text('/count');
  });
  afterEach(() => server.close());
  const text = (path: string): Promise<string> => client.text(`/${path}`);
  async function join(): Promise<void> {
    expect(await text('peek')).toBe('n=1');
  }

  /** The client is there for so long, and sends a request now and then. */
  async function stayFor(ms: number, pauseMs = 20 * MINUTE): Promise<void> {
    for (let left = ms; left > 0; left -= pauseMs) {
      await text('principal');
      clock.advance(Math.min(left, pauseMs));
    }
  }

  it('R7 comes 5 minutes after its creation when the client does not return', async () => {
    clock.advance(5 * MINUTE);
    expect(await text('peek')).toBe('n=0');
  });

  it('comes when nobody uses it for the idle timeout', async () => {
    await join();
    for (let i = 0; i < 4; i++) {
      clock.advance(29 * MINUTE);
      await join();
    }
    clock.advance(30 * MINUTE);
    expect(await text('peek')).toBe('n=0');
  });

  it('comes at the absolute timeout however much it is used', async () => {
    await join();
    for (let i = 0; i < 5; i++) {
      clock.advance(20 * MINUTE);
      await join();
    }
    clock.advance(20 * MINUTE);
    expect(await text('peek')).toBe('n=0');
  });

  describe('after a login,', () => {
    const principal = async (): Promise<string> => text('principal');
    const expectEndAfterTwoHours = async (): Promise<void> => {
      await stayFor(100 * MINUTE);
      expect(await principal()).toBe('ann');
      await stayFor(20 * MINUTE);
      expect(await principal()).toBe('nobody');
    };

    it('C8 comes at the absolute timeout from the login, not from the creation', async () => {
      await stayFor(100 * MINUTE);
      await text('login/ann');
      await expectEndAfterTwoHours();
    });

    it('comes at the absolute timeout from the last login, where the same user logs in again', async () => {
      await text('login/ann');
      await stayFor(100 * MINUTE);
      await text('login/ann');
      await expectEndAfterTwoHours();
    });

    it('is not put off by a new id', async () => {
      await text('login/ann');
      await stayFor(100 * MINUTE);
      await text('renew');
      await stayFor(20 * MINUTE);
      expect(await principal()).toBe('nobody');
    });

    it('comes sooner or later by the timeouts of the login', async () => {
      await text(`login/ann?idleTimeoutMs=${MINUTE * 50}&absoluteTimeoutMs=${200 * MINUTE}`);
      await text('principal');
      clock.advance(49 * MINUTE);
      expect(await principal()).toBe('ann');
      await stayFor(140 * MINUTE);
      expect(await principal()).toBe('ann');
      await stayFor(11 * MINUTE);
      expect(await principal()).toBe('nobody');
    });

    it('comes by one timeout of the login, and the other of the module', async () => {
      await text(`login/ann?idleTimeoutMs=${MINUTE * 10}`);
      await text('principal');
      await stayFor(110 * MINUTE, 9 * MINUTE);
      expect(await principal()).toBe('ann');
      clock.advance(10 * MINUTE);
      expect(await principal()).toBe('nobody');
    });

    it('comes by the same timeouts after another login of the same user', async () => {
      await text(`login/ann?idleTimeoutMs=${MINUTE * 10}`);
      await text('login/ann');
      await text('principal');
      clock.advance(10 * MINUTE);
      expect(await principal()).toBe('nobody');
    });

    it('comes by the timeouts of the module for the next user, whatever the last one had', async () => {
      await text(`login/ann?idleTimeoutMs=${MINUTE * 10}`);
      await text('login/bob');
      await text('principal');
      clock.advance(29 * MINUTE);
      expect(await principal()).toBe('bob');
    });

    it('comes by timeouts of a login that starts the session', async () => {
      client = new Client(server.app);
      await text(`login/ann?idleTimeoutMs=${MINUTE * 10}`);
      await text('principal');
      clock.advance(9 * MINUTE);
      expect(await principal()).toBe('ann');
      clock.advance(10 * MINUTE);
      expect(await principal()).toBe('nobody');
    });
  });

  it('R36 is moved at most once per touchIntervalMs', async () => {
    await join();
    const expiries = new Set<number>();
    const { inner } = server.store;
    server.store.reset();
    server.store.before = async (operation, key) => {
      if (operation !== 'load') return;
      const result = await inner.load(key as never);
      if (result.outcome === 'found') expiries.add(result.record.expiresAt);
    };
    for (let i = 0; i < 100; i++) {
      clock.advance(3_000);
      await text('peek');
    }
    expect(server.store.calls).toEqual({ load: 100, save: 0, touch: 0, destroy: 0 });
    // In 5 minutes.
    expect(expiries.size).toBeLessThanOrEqual(6);
    expect(expiries.size).toBeGreaterThanOrEqual(4);
  });

  it('B19 comes in the middle of a request that changes it: refused, and not brought back', async () => {
    await join();
    const response = client.get('/long');
    await started.opened;
    clock.advance(31 * MINUTE);
    goOn.open();
    expect((await response).status).toBe(409);
    expect(setCookies(await response)).toEqual([]);
    expect(await text('peek')).toBe('n=0');
  });

  it('does not come while a request runs that stores in between', async () => {
    await join();
    const response = client.get('/long-stop');
    await started.opened;
    server.store.before = () => clock.advance(20 * MINUTE);
    goOn.open();
    expect((await response).status).toBe(200);
    server.store.before = () => undefined;
    expect(await text('peek')).toBe('n=4');
  });

  it('is put off by a request, from its end when it ran long', async () => {
    await join();
    const response = client.get('/long');
    await started.opened;
    clock.advance(29 * MINUTE);
    goOn.open();
    expect((await response).status).toBe(200);
    clock.advance(29 * MINUTE);
    expect(await text('peek')).toBe('n=2');
  });

  it('comes sooner or later by setTimeouts()', async () => {
    await join();
    expect(await text(`idle/${60 * MINUTE}`)).toBe('ok');
    clock.advance(59 * MINUTE);
    await join();
    expect(await text(`idle/${MINUTE}`)).toBe('ok');
    clock.advance(MINUTE);
    expect(await text('peek')).toBe('n=0');
  });
});
