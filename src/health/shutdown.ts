import { setTimeout as wait } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** Token of the time, in ms, that this server serves on with red health before it closes its connections. */
export const DRAIN_MS = Symbol('DRAIN_MS');

/**
 * Drains this server when it is told to stop: its health is red from then on, and it serves for another `DRAIN_MS`.
 * Balancers have noticed by the time a connection could be refused.
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

  /** The first hook that Nest calls. */
  onModuleDestroy(): void {
    this.begun = true;
    // Balancers give up their kept connections, so that none sends a request into one that is being closed.
    this.adapterHost.httpAdapter
      .getHttpServer()
      .prependListener('request', (_: unknown, response: ServerResponse) => response.setHeader('Connection', 'close'));
  }

  /** Nest closes the connections when this hook has resolved. */
  async beforeApplicationShutdown(): Promise<void> {
    await wait(this.drainMs);
  }
}
