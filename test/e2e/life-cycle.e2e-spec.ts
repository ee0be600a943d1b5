import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Logger } from '@nestjs/common';
import {
  type BeforeBeanSaved,
  HttpSession,
  type OnBeanCreated,
  type OnBeanDestroyed,
  type OnBeanRestored,
  SessionScoped,
} from 'nestjs-session-beans';
import { Client, setCookies } from '../support/client.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';

let calls: string[] = [];

@SessionScoped()
class Watched implements OnBeanCreated, OnBeanRestored, BeforeBeanSaved, OnBeanDestroyed {
  origin = 'constructor';
  saves = 0;
  touched = false;

  onBeanCreated(): void {
    calls.push(`created ${this.origin}`);
    this.origin = 'created';
  }

  onBeanRestored(): void {
    calls.push(`restored ${this.origin} ${this.saves}`);
  }

  beforeBeanSaved(): void {
    if (this.touched) this.saves++;
    this.touched = false;
    calls.push('save');
  }

  async onBeanDestroyed(): Promise<void> {
    await Promise.resolve();
    calls.push(`destroyed ${this.saves}`);
  }
}

@SessionScoped()
class Failing implements OnBeanDestroyed {
  value = 0;

  onBeanDestroyed(): void {
    calls.push('failing');
    throw new Error('no way');
  }
}

@SessionScoped()
class Exploding {
  value = 0;

  constructor() {
    if (calls.length === 0) throw new Error('J16 not today');
  }
}

@Controller()
class WatchedController {
  constructor(
    private readonly watched: Watched,
    private readonly session: HttpSession,
  ) {}

  @Get('look')
  look(): string {
    return this.watched.origin;
  }

  @Get('touch')
  touch(): string {
    this.watched.touched = true;
    return `${this.watched.saves}`;
  }

  @Get('end')
  async end(): Promise<string> {
    await this.session.invalidate();
    calls.push('handler');
    return 'ended';
  }
}

@Controller('failing')
class FailingController {
  constructor(
    private readonly failing: Failing,
    private readonly session: HttpSession,
  ) {}

  @Get()
  touch(): string {
    return `${++this.failing.value}`;
  }

  @Get('end')
  async end(): Promise<string> {
    await this.session.invalidate();
    return 'ended';
  }
}

@Controller('exploding')
class ExplodingController {
  constructor(private readonly exploding: Exploding) {}

  @Get()
  touch(): string {
    return `${++this.exploding.value}`;
  }
}

describe.each(platforms)('the life cycle of a bean, $adapter, $mode,', ({ adapter, scope }) => {
  let server: TestApplication;
  let client: Client;
  beforeEach(async () => {
    calls = [];
    const controllers = [WatchedController, FailingController, ExplodingController];
    server = await startApplication({ adapter, scope, beans: [Watched, Failing, Exploding], controllers });
    client = new Client(server.app);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await server.close();
  });

  const get = (path: string) => client.text(`/${path}`);

  it('begins with onBeanCreated, after the constructor; what it sets is stored', async () => {
    expect(await get('look')).toBe('created');
    expect(calls.filter((call) => call !== 'save')).toEqual(['created constructor']);
    expect(server.store.calls.save).toBe(1);
  });

  it('goes on with onBeanRestored, and never with onBeanCreated again', async () => {
    await get('look');
    calls = [];
    expect(await get('look')).toBe('created');
    expect(calls.filter((call) => call !== 'save')).toEqual(['restored created 0']);
  });

  it('has beforeBeanSaved before each comparison; what it sets is stored', async () => {
    await get('touch');
    expect(await get('touch')).toBe('1');
    expect(await get('touch')).toBe('2');
    expect(calls.filter((call) => call === 'save').length).toBeGreaterThanOrEqual(3);
  });

  it('J12 ends with onBeanDestroyed, once, before invalidate() is done', async () => {
    await get('touch');
    calls = [];
    expect(await get('end')).toBe('ended');
    expect(calls.filter((call) => /destroyed|handler/.test(call))).toEqual(['destroyed 1', 'handler']);
    await get('end');
    expect(calls.filter((call) => call.startsWith('destroyed'))).toHaveLength(1);
  });

  it('J16 R33 ends also when onBeanDestroyed fails: the error is logged', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    await get('failing');
    calls = [];
    expect(await get('failing/end')).toBe('ended');
    expect(calls).toContain('failing');
    expect(error).toHaveBeenCalledWith('onBeanDestroyed() failed', expect.objectContaining({ message: 'no way' }));
    expect(await get('failing')).toBe('1');
  });

  it('J16 does not begin when the constructor fails: the request fails and nothing is stored', async () => {
    const response = await client.get('/exploding');
    expect(response.status).toBe(500);
    expect(setCookies(response)).toEqual([]);
    expect(server.store.calls.save).toBe(0);
    calls = ['now'];
    expect(await get('exploding')).toBe('1');
  });
});
