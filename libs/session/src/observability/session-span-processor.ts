import type { Span } from '@opentelemetry/api';
import type { RequestTiming } from '../timing/request-timing.js';

/** `SpanKind`, without loading the API. */
const CLIENT = 2;
const PRODUCER = 3;

/** What is read of the spans of an SDK. */
interface SdkSpan extends Span {
  readonly kind: number;
  readonly instrumentationScope?: { readonly name: string };
}

/**
 * Counts what OpenTelemetry instrumentations see being called (SQL, HTTP, queues) as `downstream`. Give the same one to your tracer provider
 * (`spanProcessors`) and to `SessionObservabilityModule.forRoot({ spanProcessor })`; a `SpanProcessor` of `@opentelemetry/sdk-trace-base`.
 */
export class SessionSpanProcessor {
  private readonly calls = new WeakMap<object, () => void>();
  private current: () => RequestTiming | undefined = () => undefined;

  /** @internal Called at boot. */
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
    // Keeps nothing back.
  }

  async shutdown(): Promise<void> {
    this.current = () => undefined;
  }
}

/** `@opentelemetry/instrumentation-pg` is `pg`. */
function nameOf(scope = 'span'): string {
  return scope.replace(/^.*instrumentation-/, '');
}
