import { setTimeout as wait } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { DRAIN_MS } from './drain-ms.js';

/**
 * Whether this server is on its way out. Between the first sign of it, red health, and the end of its connections it goes on serving for
 * `DRAIN_MS`, so that balancers have noticed before the first request could be refused.
 */
@Injectable()
export class Shutdown implements OnModuleDestroy, BeforeApplicationShutdown {
  private begun = false;

  constructor(
    @Inject(DRAIN_MS) private readonly drainMs: number,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  get hasBegun(): boolean {
    return this.begun;
  }

  /** Nest calls it first of all. */
  onModuleDestroy(): void {
    this.begun = true;
    // A balancer that keeps its connections to the end could send a request into one that is just being closed.
    this.adapterHost.httpAdapter
      .getHttpServer()
      .prependListener('request', (_: unknown, response: ServerResponse) => response.setHeader('Connection', 'close'));
  }

  /** Nest closes the connections when this is done. */
  async beforeApplicationShutdown(): Promise<void> {
    await wait(this.drainMs);
  }
}
