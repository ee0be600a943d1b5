import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { OptionChecks } from '../errors/option-checks.js';
import type { SessionSpanProcessor } from './session-span-processor.js';

/** The options with their texts and defaults. */
class SessionObservabilityDefaults {
  /**
   * Name of this server in records, metrics and headers: 1 to 32 letters and digits. Default: `nodeName` of
   * `SessionModule`, if it has one.
   */
  readonly nodeName?: string | undefined = undefined;

  /**
   * Receives the metrics, e.g. `metrics.getMeterProvider()` of `@opentelemetry/api` once your SDK has started. Default:
   * no metrics.
   */
  readonly meterProvider?: MeterProvider | undefined = undefined;

  /**
   * Whether the histogram `session.request.duration` tells handlers apart, for quantiles of each. It costs each request
   * some 2 microseconds for its label, and nothing without `meterProvider`. The average of each handler follows from
   * `session.handler.time` and `session.handler.requests` in any case. Default: false.
   */
  readonly durationByHandler?: boolean | undefined = false;

  /**
   * Receives the spans `session.load`, `session.save` and `session.lock`, e.g. `trace.getTracerProvider()` of
   * `@opentelemetry/api`. Default: no spans.
   */
  readonly tracerProvider?: TracerProvider | undefined = undefined;

  /**
   * The span processor that you gave to your tracer provider: calls that your instrumentations see count as
   * `downstream`. Default: none.
   */
  readonly spanProcessor?: SessionSpanProcessor | undefined = undefined;

  /**
   * Names of `diagnostics_channel` tracing channels whose operations count as `downstream`, besides what `node:http`
   * and `fetch` send. Default: `ioredis:command` and `node-redis:command`.
   */
  readonly downstreamChannels?: readonly string[] | undefined = ['ioredis:command', 'node-redis:command'];

  /**
   * Whether responses carry a `Server-Timing` header with the phases, the name of the server and the result of the
   * cache, for the developer tools of browsers. Everybody who can read the response can read it. Default:
   * false.
   */
  readonly serverTiming?: boolean | undefined = false;

  /**
   * A request that takes at least this long, in ms, is written to the log as one line of JSON; 0 writes all. Default:
   * no request is.
   */
  readonly slowRequestMs?: number | undefined = undefined;
}

/**
 * Options of `SessionObservabilityModule.forRoot()`. All may be left out, and what is left out costs nothing. Checked
 * at boot, where an option that cannot work throws a `SessionConfigurationError`.
 *
 * An interface, because linters refuse to spread the instance of a class.
 *
 * @example
 * SessionObservabilityModule.forRoot({ meterProvider: metrics.getMeterProvider(), slowRequestMs: 500 })
 */
export interface SessionObservabilityOptions extends SessionObservabilityDefaults {}

type WithoutDefault = 'nodeName' | 'meterProvider' | 'tracerProvider' | 'spanProcessor' | 'slowRequestMs';

const checks = new OptionChecks('SessionObservabilityModule');

/**
 * Checks the options and fills in the defaults.
 *
 * @throws SessionConfigurationError
 */
export function resolveObservabilityOptions(given: SessionObservabilityOptions) {
  const options = checks.complete<SessionObservabilityOptions, WithoutDefault>(
    given,
    new SessionObservabilityDefaults(),
  );
  const { nodeName, meterProvider, tracerProvider, slowRequestMs } = options;
  // The name becomes part of a header.
  if (nodeName !== undefined) checks.text('nodeName', nodeName, /^[A-Za-z0-9]{1,32}$/, '1 to 32 letters and digits');
  if (meterProvider !== undefined)
    checks.methods(
      'meterProvider',
      meterProvider,
      ['getMeter'],
      'a MeterProvider, e.g. metrics.getMeterProvider() of @opentelemetry/api',
    );
  checks.flag('durationByHandler', options.durationByHandler);
  if (tracerProvider !== undefined)
    checks.methods(
      'tracerProvider',
      tracerProvider,
      ['getTracer'],
      'a TracerProvider, e.g. trace.getTracerProvider() of @opentelemetry/api',
    );
  checks.flag('serverTiming', options.serverTiming);
  if (slowRequestMs !== undefined && !(Number.isFinite(slowRequestMs) && slowRequestMs >= 0))
    throw checks.refusal('slowRequestMs', slowRequestMs, 'a number of milliseconds from 0');
  return Object.freeze(options);
}
