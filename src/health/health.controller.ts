import { Controller, Get } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { SessionHealthIndicator } from 'nestjs-session-beans/observability';
import { Shutdown } from './shutdown.js';

/** Shorter than the time that balancers wait for an answer. */
const STORE_ANSWERS_WITHIN_MS = 200;

@Controller()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly sessions: SessionHealthIndicator,
    private readonly shutdown: Shutdown,
  ) {}

  /**
   * For balancers. Red while the server drains, so that no new request comes. A store that is down is reported as
   * `degraded`, which is not red: otherwise balancers would take out all servers, with every page that needs no
   * session.
   */
  @Get('health')
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([
      () => ({ server: { status: this.shutdown.hasBegun ? 'down' : 'up' } }),
      () => this.sessions.check('sessions', { onDown: 'degraded', withinMs: STORE_ANSWERS_WITHIN_MS }),
    ]);
  }

  /** Needs no session: its time is what a request costs without one. */
  @Get('ping')
  ping(): string {
    return 'pong';
  }
}
