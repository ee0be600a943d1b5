import { Controller, Get, Inject, Post } from '@nestjs/common';
import { HttpSession, SessionScoped, type SessionModuleOptions, type SessionStore } from 'nestjs-session-beans';
import { CountingStore } from './counting-store.js';
import { type TestApplication, startApplication } from './platforms.js';

/** `storeTimeoutMs` of these applications. */
export const STORE_TIMEOUT_MS = 750;

/**
 * The promise is `storeTimeoutMs` + 250 ms. The rest is for machines that run many tests at once: `RunningTime` slows
 * down with them, the kernel does not.
 */
export const ANSWERED_WITHIN_MS = STORE_TIMEOUT_MS + 250 + 1_500;

@SessionScoped({ name: 'counter' })
class Counter {
  value = 0;
  ballast = '';
}

/** `POST slow` waits here between its read and its write. */
export class Gate {
  reached = (): void => undefined;
  passed: Promise<void> = Promise.resolve();
}

@Controller()
class CountingController {
  constructor(
    private readonly counter: Counter,
    private readonly session: HttpSession,
    @Inject(Gate) private readonly gate: Gate,
  ) {}

  @Post('count')
  count(): number {
    return ++this.counter.value;
  }

  @Post('fill')
  fill(): void {
    this.counter.ballast = 'x'.repeat(200_000);
  }

  @Post('slow')
  async slow(): Promise<number> {
    const { value } = this.counter;
    this.gate.reached();
    await this.gate.passed;
    this.counter.value = value + 1;
    return this.counter.value;
  }

  @Get('read')
  read(): string {
    return `${this.session.exists} ${this.counter.value}`;
  }

  @Post('logout')
  logout(): Promise<void> {
    return this.session.invalidate();
  }
}

@Controller('ping')
class PingController {
  @Get()
  ping(): string {
    return 'pong';
  }
}

export interface CountingApplication extends TestApplication {
  readonly gate: Gate;
}

/** An application of this process that counts in its session, on a store of the test. Closes the store with itself. */
export async function startCounting(
  store: SessionStore,
  session: SessionModuleOptions = {},
): Promise<CountingApplication> {
  const gate = new Gate();
  const application = await startApplication({
    adapter: 'express',
    beans: [Counter],
    controllers: [CountingController, PingController],
    providers: [{ provide: Gate, useValue: gate }],
    session: { storeTimeoutMs: STORE_TIMEOUT_MS, ...session },
    store: new CountingStore(store),
  });
  return { ...application, gate };
}
