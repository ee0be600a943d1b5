import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { SessionSpanProcessor } from './session-span-processor.js';

/** Options of `SessionObservabilityModule.forRoot()`. What is not asked for costs nothing. Defaults stand here. */
export interface SessionObservabilityOptions {
  /** Name of this server in records, metrics and headers: 1 to 32 letters and digits. Default: `nodeName` of the session module, if it has one. */
  readonly node?: string;

  /** Where metrics go, e.g. `metrics.getMeterProvider()` of `@opentelemetry/api` once your SDK has started. Default: no metrics. */
  readonly metrics?: MeterProvider;

  /**
   * The histogram `session.request.duration` tells handlers apart, for quantiles of each; `session.handler.time` and `session.handler.requests` tell the
   * average in any case. Costs each request some 2 microseconds, for its label; nothing without `metrics`. Default: false.
   */
  readonly durationByHandler?: boolean;

  /** Where spans go, e.g. `trace.getTracerProvider()`: `session.load`, `session.save`, `session.lock`. Default: no spans. */
  readonly tracing?: TracerProvider;

  /** The one that you gave to your tracer provider: what your instrumentations see being called counts as `downstream`. Default: none. */
  readonly spanProcessor?: SessionSpanProcessor;

  /**
   * Names of `diagnostics_channel` tracing channels whose operations are `downstream`, besides what `node:http` and `fetch` send. Default:
   * `ioredis:command`.
   */
  readonly downstreamChannels?: readonly string[];

  /**
   * Responses carry a `Server-Timing` header with the phases, the node and how the cache did, for the browser's own tools. Whoever can read the
   * response can read it, so leave it out where that must not be known. Default: false.
   */
  readonly serverTiming?: boolean;

  /** A request that takes at least this long, in ms, is written to the log as one line of JSON; 0 writes all. Default: none is. */
  readonly slowRequestMs?: number;
}
