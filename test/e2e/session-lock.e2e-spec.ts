import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import { HttpSession, ReadOnlySession, SessionLock } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { Counter } from '../support/counter.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';

const running = { now: 0, most: 0 };
let entered = new Latch();
let goOn = new Latch();

async function sideEffect(): Promise<void> {
  running.most = Math.max(running.most, ++running.now);
  await pause(Math.random() * 3);
  running.now--;
}

@Controller()
class PaymentController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @SessionLock()
  @Get('locked')
  async locked(): Promise<number> {
    const { value } = this.counter;
    await sideEffect();
    return (this.counter.value = value + 1);
  }

  @Get('exclusive')
  async exclusive(): Promise<number> {
    return this.session.runExclusive(async () => {
      const { value } = this.counter;
      await sideEffect();
      return this.session.runExclusive(() => (this.counter.value = value + 1));
    });
  }

  @SessionLock({ waitMs: 20 })
  @Get('impatient')
  impatient(): string {
    return 'had its turn';
  }

  @SessionLock()
  @Get('holder')
  async holder(): Promise<string> {
    entered.open();
    await goOn.opened;
    return 'held';
  }

  @Get('renew') renew(): void {
    this.session.renewId();
  }

  @Get('exclusive-logout')
  async exclusiveLogout(): Promise<void> {
    entered.open();
    await goOn.opened;
    await this.session.runExclusive(() => this.session.logout());
  }

  @SessionLock()
  @Get('failing')
  failing(): never {
    throw new Error('an error of the application');
  }

  @Get('count') count(): number {
    return ++this.counter.value;
  }

  @ReadOnlySession()
  @Get('peek')
  peek(): number {
    return this.counter.value;
  }

  @ReadOnlySession()
  @Get('liar')
  liar(): number {
    return ++this.counter.value;
  }

  @ReadOnlySession()
  @Get('read-only-login')
  login(): Promise<void> {
    return this.session.login('somebody');
  }
}

describe.each(platforms)('the lock of a session, $adapter, $mode', ({ adapter, scope }) => {
  let server: TestApplication;
  let client: Client;
  const get = async (path: string): Promise<number | string> => {
    const response = await client.get(path);
    return response.ok ? response.text : response.status;
  };
  beforeEach(async () => {
    [entered, goOn] = [new Latch(), new Latch()];
    running.now = running.most = 0;
    server = await startApplication({ adapter, scope, beans: [Counter], controllers: [PaymentController] });
    client = new Client(server.app);
    await get('/count');
  });
  afterEach(() => server.close());

  it.each(['/locked', '/exclusive'])('lets %s run one at a time, each on what the last one stored', async (path) => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => get(path)));
    expect(answers.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i + 2));
    expect(running.most).toBe(1);
    expect(await get('/peek')).toBe('31');
  });

  it('F32 refuses with 503 a request that has waited long enough, and holds up nobody else', async () => {
    const holder = get('/holder');
    await entered.opened;
    const response = await client.get('/impatient');
    expect([response.status, response.get('retry-after')]).toEqual([503, '1']);
    expect(await get('/count')).toBe('2');
    const other = new Client(server.app);
    await other.text('/count');
    expect(await other.text('/impatient')).toBe('had its turn');
    goOn.open();
    expect(await holder).toBe('held');
    expect(await get('/impatient')).toBe('had its turn');
  });

  it('keeps nobody waiting who has a new id, when a request has it under a former one', async () => {
    const holder = client.copy().text('/holder');
    await entered.opened;
    await get('/renew');
    const answer = await get('/impatient');
    goOn.open();
    expect(await holder).toBe('held');
    expect(answer).toBe('had its turn');
  });

  it('does not lose the logout of a request whose session has got a new id: it is refused with 409', async () => {
    const logout = client.copy().get('/exclusive-logout');
    await entered.opened;
    await get('/renew');
    goOn.open();
    expect((await logout).status).toBe(409);
    expect(await get('/peek')).toBe('1');
  });

  it('is given back by a handler that fails', async () => {
    expect(await get('/failing')).toBe(500);
    expect(await get('/impatient')).toBe('had its turn');
  });

  it('needs no session', async () => {
    expect(await new Client(server.app).text('/impatient')).toBe('had its turn');
  });

  it('is not needed by a handler that only reads: its changes are not stored, and it cannot log in', async () => {
    server.store.reset();
    expect(await get('/liar')).toBe('2');
    expect(await get('/peek')).toBe('1');
    expect(await get('/read-only-login')).toBe(500);
    expect(server.store.calls.save).toBe(0);
  });
});
