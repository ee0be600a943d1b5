import type { Span, Tracer, TracerProvider } from '@opentelemetry/api';
import { sessionHash } from '../store/session-id.js';
import type { PhaseTracer, StorePhase } from '../timing/phase-tracer.js';
import type { RequestFacts } from '../timing/request-facts.js';

const NAMES: Readonly<Record<StorePhase, string>> = {
  sessionLoad: 'session.load',
  lockWait: 'session.lock',
  sessionSave: 'session.save',
};

/** `SpanStatusCode.ERROR` */
const ERROR = 2;

/** Runs what asks the store inside spans, children of the active one. Spans of a driver become their children. */
export class SessionTracer implements PhaseTracer {
  private readonly tracer: Tracer;

  constructor(
    provider: TracerProvider,
    private readonly store: string,
  ) {
    this.tracer = provider.getTracer('nestjs-session-beans');
  }

  trace<T>(phase: StorePhase, facts: RequestFacts, work: () => Promise<T>): Promise<T> {
    return this.tracer.startActiveSpan(NAMES[phase], async (span) => {
      try {
        return await work();
      } catch (error) {
        // Texts of this package's errors name no id; those of drivers may say anything.
        span.setStatus({ code: ERROR, message: error instanceof Error ? error.name : 'Error' });
        throw error;
      } finally {
        this.describe(span, phase, facts);
        span.end();
      }
    });
  }

  private describe(span: Span, phase: StorePhase, facts: RequestFacts): void {
    span.setAttribute('session.store.name', this.store);
    if (facts.key !== undefined) span.setAttribute('session.hash', sessionHash(facts.key));
    if (phase === 'sessionLoad') {
      if (facts.cache) span.setAttribute('session.cache.result', facts.cache);
      span.setAttribute('session.loaded_bytes', facts.loadedBytes);
    }
    if (phase === 'sessionSave') {
      span.setAttribute('session.saved_bytes', facts.savedBytes);
      span.setAttribute('session.beans.changed', [...facts.changed]);
      span.setAttribute('session.retries', facts.retries);
    }
  }
}
