import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CurrentRequest } from '../request/current-request.js';
import { SessionEvents } from '../request/session-events.js';
import { LiveSessions } from '../live/live-sessions.js';
import { NearCache } from '../live/near-cache.js';
import { StoreGateway } from '../store/store-gateway.js';
import { RequestTimings } from '../timing/request-timings.js';
import { DownstreamChannels } from './downstream-channels.js';
import type { ObservedServer } from './observe-vitals.js';
import { resolveObservabilityOptions } from './session-observability.options.js';
import { SessionHealthIndicator } from './session-health-indicator.js';
import { SessionMetrics } from './session-metrics.js';
import {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type ASYNC_OPTIONS_TYPE,
  type OPTIONS_TYPE,
} from './session-observability.module-definition.js';
import { SessionTiming } from './session-timing.js';
import { SessionTracer } from './session-tracer.js';
import { slowRequestLog } from './slow-request-log.js';

/**
 * Shows where the time of requests goes: metrics, spans, a response header, a log of slow requests, a health indicator. Import it once, beside
 * `SessionModule.forRoot()`; it is global. Exports `SessionTiming` and `SessionHealthIndicator`.
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
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: typeof OPTIONS_TYPE,
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

  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return { ...super.forRoot(options), global: true };
  }

  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return { ...super.forRootAsync(options), global: true };
  }

  /** @throws SessionConfigurationError at boot: one line naming the option and what is allowed */
  onModuleInit(): void {
    const { timings, gateway, liveSessions, nearCache, events, context, stops } = this;
    const options = resolveObservabilityOptions(this.options);
    const { nodeName, meterProvider, durationByHandler, tracerProvider, spanProcessor } = options;
    const { downstreamChannels, serverTiming, slowRequestMs } = options;
    timings.node = nodeName ?? timings.node;
    timings.tellsClients = serverTiming === true;
    if (meterProvider) {
      const listener = this.adapterHost.httpAdapter?.getHttpServer() as ObservedServer['listener'];
      const server = { gateway, liveSessions, nearCache, listener };
      const sessionMetrics = new SessionMetrics(meterProvider, timings, events, server, durationByHandler);
      stops.push(() => sessionMetrics.stop());
    }
    if (tracerProvider) timings.tracer = new SessionTracer(tracerProvider, gateway.name);
    if (slowRequestMs !== undefined)
      stops.push(timings.listen(slowRequestLog(slowRequestMs, new Logger('SessionTiming'))));
    // A header and spans need requests to be measured, even if nobody reads the records.
    if (serverTiming || tracerProvider) stops.push(timings.listen(() => undefined));
    const channels = new DownstreamChannels(() => context.state?.timing, downstreamChannels);
    stops.push(() => channels.stop());
    spanProcessor?.watch(() => context.state?.timing);
  }

  /** Not before: a server that drains goes on serving, and is watched most then. */
  onApplicationShutdown(): void {
    for (const stop of this.stops.splice(0)) stop();
  }
}
