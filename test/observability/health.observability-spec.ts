import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { SessionHealthIndicator, SessionObservabilityModule } from 'nestjs-session-beans/observability';
import { Client } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@Controller('health')
class HealthController {
  @Inject() private readonly health!: HealthCheckService;
  @Inject() private readonly sessions!: SessionHealthIndicator;

  @Get() check() {
    return this.health.check([() => this.sessions.check('sessions')]);
  }

  @Get('mild') mild() {
    return this.health.check([() => this.sessions.check('sessions', { onDown: 'degraded', withinMs: 50 })]);
  }
}

describe.each(adapters)('the health indicator, with @nestjs/terminus, $adapter', ({ adapter }) => {
  let server: TestApplication;
  const check = async (path = ''): Promise<{ status: number; body: Record<string, unknown> }> => {
    const { status, body } = await new Client(server.app).get(`/health${path}`);
    return { status, body: body as Record<string, unknown> };
  };

  beforeAll(async () => {
    server = await startApplication({
      adapter,
      controllers: [HealthController],
      imports: [SessionObservabilityModule.forRoot(), TerminusModule.forRoot({ logger: false })],
    });
  });
  afterAll(() => server.close());
  afterEach(() => {
    server.store.before = () => undefined;
  });

  it('is up while the store answers, and needs no session', async () => {
    const { status, body } = await check();

    expect(status).toBe(200);
    expect(body['details']).toEqual({
      sessions: { status: 'up', store: 'memory', liveSessions: 0, pendingRequests: 0 },
    });
    expect(server.store.calls).toMatchObject({ save: 0, touch: 0 });
  });

  it('is down while the store fails, and does not reveal the message of the driver', async () => {
    server.store.before = () => {
      throw new Error('connect ECONNREFUSED redis://admin:secret@10.0.0.1');
    };
    const { status, body } = await check();

    expect(status).toBe(503);
    expect(body['details']).toMatchObject({
      sessions: { status: 'down', problem: 'SessionStoreError: could not load' },
    });
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  it('can be degraded instead of down, also when the store takes too long', async () => {
    server.store.before = () => new Promise<never>(() => undefined);
    const { status, body } = await check('/mild');

    expect(status).toBe(200);
    expect(body['details']).toMatchObject({ sessions: { status: 'degraded', problem: 'no answer within 50 ms' } });
  });
});
