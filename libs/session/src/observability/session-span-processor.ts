import type { Span } from '@opentelemetry/api';
import type { RequestTiming } from '../timing/request-timing.js';

/** Values of `SpanKind`, written out so that `@opentelemetry/api` is not loaded. */
const CLIENT = 2;
const PRODUCER = 3;

/** The fields of an SDK's span that are read here. */
interface SdkSpan extends Span {
  readonly kind: number;
  readonly instrumentationScope?: { readonly name: string };
}

/**
 * Counts the calls that OpenTelemetry instrumentations see (SQL, HTTP, queues) as `downstream`. A `SpanProcessor` of
 * `@opentelemetry/sdk-trace-base`, used from the application's boot until your tracer provider shuts it down.
 *
 * @example
 * const spanProcessor = new SessionSpanProcessor();
 * const tracerProvider = new BasicTracerProvider({ spanProcessors: [spanProcessor] });
 * SessionObservabilityModule.forRoot({ spanProcessor });
 */
export class SessionSpanProcessor {
  private readonly calls = new WeakMap<object, () => void>();
  private current: () => RequestTiming | undefined = () => undefined;

  /** @internal The module calls it at boot, with what gives the request that the running code belongs to. */
  watch(current: () => RequestTiming | undefined): void {
    this.current = current;
  }

  onStart(span: Span): void {
    const { kind, instrumentationScope } = span as SdkSpan;
    if (kind !== CLIENT && kind !== PRODUCER) return;
    const end = this.current()?.call(nameOf(instrumentationScope?.name));
    if (end) this.calls.set(span, end);
  }

  onEnd(span: object): void {
    this.calls.get(span)?.();
  }

  async forceFlush(): Promise<void> {
    // No span is kept here.
  }

  async shutdown(): Promise<void> {
    this.current = () => undefined;
  }
}

/** The part that names the library: `pg` of `@opentelemetry/instrumentation-pg`. */
function nameOf(scope = 'span'): string {
  return scope.replace(/^.*instrumentation-/, '');
}
