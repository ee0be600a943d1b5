import type { Span, Tracer, TracerProvider } from '@opentelemetry/api';
import type { MaybePromise } from '../store/maybe-promise.js';
import { sessionHash } from '../store/session-id.js';
import type { PhaseTracer, StorePhase } from '../timing/request-timing.js';
import type { RequestFacts } from '../timing/request-facts.js';

const NAMES: Readonly<Record<StorePhase, string>> = {
  sessionLoad: 'session.load',
  lockWait: 'session.lock',
  sessionSave: 'session.save',
};

/** `SpanStatusCode.ERROR`, written out so that `@opentelemetry/api` is not loaded. */
const ERROR = 2;

/**
 * Runs calls of the store inside spans. Their parent is the active span, and the spans of a driver are their children.
 */
export class SessionTracer implements PhaseTracer {
  private readonly tracer: Tracer;

  constructor(
    provider: TracerProvider,
    private readonly store: string,
  ) {
    this.tracer = provider.getTracer('nestjs-session-beans');
  }

  trace<T>(phase: StorePhase, facts: RequestFacts, work: () => MaybePromise<T>): Promise<T> {
    return this.tracer.startActiveSpan(NAMES[phase], async (span) => {
      try {
        return await work();
      } catch (error) {
        // Not the text of the error: that of a driver may hold anything.
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
