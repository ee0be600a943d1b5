import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Get, Injectable, type NestMiddleware, Query } from '@nestjs/common';
import { SessionLock } from 'nestjs-session-beans';
import { Counter } from '../../../src/count/counter.js';
import { collectGarbage } from './process.controller.js';

/** A hook of the framework, ahead of `lab/hook`, that waits before it goes on. */
@Injectable()
export class SlowHook implements NestMiddleware {
  async use({ originalUrl }: { originalUrl: string }, _: unknown, next: () => void): Promise<void> {
    await pause(Number(/[?&]ms=(\d+)/.exec(originalUrl)?.[1] ?? 0));
    next();
  }
}

/** Pages that are slow for a known reason. */
@Controller('lab')
export class TroublesController {
  private garbage: NodeJS.Timeout | undefined;
  private ballast: object[] = [];

  constructor(private readonly counter: Counter) {}

  @Get('hook')
  hook(): string {
    return this.peek();
  }

  @Get('handler')
  async handler(@Query('ms') ms: string): Promise<string> {
    await pause(Number(ms));
    return this.peek();
  }

  /** Computes, so that nothing else of this server goes on. */
  @Get('block')
  block(@Query('ms') ms: string): string {
    for (const end = performance.now() + Number(ms); performance.now() < end;);
    return this.peek();
  }

  @SessionLock({ waitMs: 10_000 })
  @Get('lock')
  async lock(@Query('ms') ms: string): Promise<string> {
    await pause(Number(ms));
    return this.peek();
  }

  @Get('service')
  async service(@Query('url') url: string): Promise<string> {
    await (await fetch(url)).text();
    return this.peek();
  }

  /** From now on all garbage is collected `every` so many ms, with much that lives. 0 ends it. */
  @Get('garbage')
  collect(@Query('every') every: string): string {
    clearInterval(this.garbage);
    const isOn = Number(every) > 0;
    this.ballast = isOn ? Array.from({ length: 1_500_000 }, (_, i) => ({ i })) : [];
    if (isOn) this.garbage = setInterval(collectGarbage, Number(every)).unref();
    return `${this.ballast.length}`;
  }

  private peek(): string {
    return `counter=${this.counter.getValue()}`;
  }
}
