import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { LiveSessions } from '../live/live-sessions.js';
import { NearCache } from '../live/near-cache.js';
import { CurrentRequest } from '../request/current-request.js';
import { SessionEvents } from '../request/session-events.js';
import { StoreGateway } from '../store/store-gateway.js';
import { RequestTimings } from '../timing/request-timings.js';
import { DownstreamChannels } from './downstream-channels.js';
import type { ObservedServer } from './server-gauges.js';
import { SessionHealthIndicator } from './session-health-indicator.js';
import { SessionMetrics } from './session-metrics.js';
import { resolveObservabilityOptions, type SessionObservabilityOptions } from './session-observability.options.js';
import { SessionTiming } from './session-timing.js';
import { SessionTracer } from './session-tracer.js';
import { slowRequestLog } from './slow-request-log.js';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<SessionObservabilityOptions>({
  moduleName: 'SessionObservability',
})
  .setClassMethodName('forRoot')
  .setExtras({}, (definition) => ({ ...definition, global: true }))
  .build();

/**
 * Shows where the time of requests goes: metrics, spans, a response header, a log of slow requests, a health indicator.
 * Import `forRoot()` or `forRootAsync()` once, beside `SessionModule.forRoot()`: it is global. It exports
 * `SessionTiming` and `SessionHealthIndicator`, and measures from the application's boot to its shutdown.
 *
 * @example
 * ```ts
 * SessionObservabilityModule.forRoot({ meterProvider: metrics.getMeterProvider(), slowRequestMs: 500 })
 * ```
 *
 * @see docs/observability.md
 */
@Module({
  providers: [
    {
      provide: SessionTiming,
      inject: [CurrentRequest],
      useFactory: (context: CurrentRequest) => new SessionTiming(context),
    },
    {
      provide: SessionHealthIndicator,
      inject: [StoreGateway, LiveSessions, RequestTimings],
      useFactory: (gateway: StoreGateway, liveSessions: LiveSessions, timings: RequestTimings) =>
        new SessionHealthIndicator(gateway, liveSessions, timings),
    },
  ],
  exports: [SessionTiming, SessionHealthIndicator],
})
export class SessionObservabilityModule extends ConfigurableModuleClass implements OnModuleInit, OnApplicationShutdown {
  private readonly stops: (() => void)[] = [];

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: SessionObservabilityOptions,
    private readonly timings: RequestTimings,
    private readonly gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    @Inject(NearCache) private readonly nearCache: NearCache | undefined,
    private readonly events: SessionEvents,
    private readonly context: CurrentRequest,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    super();
  }

  /**
   * The module with these options. They are checked when the application boots.
   *
   * @throws SessionConfigurationError at boot: one line that names the option, its value and what is allowed
   */
  static override forRoot(options: SessionObservabilityOptions = {}): DynamicModule {
    return super.forRoot(options);
  }

  onModuleInit(): void {
    const { timings, gateway, liveSessions, nearCache, events, context, stops } = this;
    const options = resolveObservabilityOptions(this.options);
    const { nodeName, meterProvider, tracerProvider, spanProcessor, serverTiming, slowRequestMs } = options;
    timings.node = nodeName ?? timings.node;
    timings.tellsClients = serverTiming;
    if (meterProvider) {
      const listener = this.adapterHost.httpAdapter?.getHttpServer() as ObservedServer['listener'];
      const server = { gateway, liveSessions, nearCache, timings, listener };
      const metrics = new SessionMetrics(meterProvider, events, server, options.durationByHandler);
      stops.push(() => metrics.stop());
    }
    if (tracerProvider) timings.tracer = new SessionTracer(tracerProvider, gateway.name);
    if (slowRequestMs !== undefined)
      stops.push(timings.listen(slowRequestLog(slowRequestMs, new Logger('SessionTiming'))));
    // A header and spans need the requests to be measured, also where nothing reads the records.
    if (serverTiming || tracerProvider) stops.push(timings.listen(() => undefined));
    const channels = new DownstreamChannels(() => context.state?.timing, options.downstreamChannels);
    stops.push(() => channels.stop());
    spanProcessor?.watch(() => context.state?.timing);
  }

  /** Not in an earlier hook: a server that drains still serves, and that is when it is watched most. */
  onApplicationShutdown(): void {
    for (const stop of this.stops.splice(0)) stop();
  }
}
