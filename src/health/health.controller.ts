import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { Shutdown } from './shutdown.js';

@Controller()
export class HealthController {
  constructor(private readonly shutdown: Shutdown) {}

  /** For balancers: red before the connections close, so that no new request comes. */
  @Get('health')
  health(): string {
    if (this.shutdown.hasBegun) throw new ServiceUnavailableException('shutting down');
    return 'ok';
  }

  /** Needs no session: shows what everything else costs. */
  @Get('ping')
  ping(): string {
    return 'pong';
  }
}
