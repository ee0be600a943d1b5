import type { MaybePromise } from '../store/maybe-promise.js';
import type { RequestFacts } from './request-facts.js';

/** The phases that ask the store. */
export type StorePhase = 'sessionLoad' | 'lockWait' | 'sessionSave';

/** Runs the work of a phase that asks the store inside something of its own, e.g. a span. Passes on what the work resolves or rejects with. */
export interface PhaseTracer {
  trace<T>(phase: StorePhase, facts: RequestFacts, work: () => MaybePromise<T>): MaybePromise<T>;
}
