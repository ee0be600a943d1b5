import { performance } from 'node:perf_hooks';
import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import { type Arrival, eventLoopPulse } from './request-arrivals.js';
import { phaseIndex, TIMING_PHASES, type TimingPhase } from './timing-phase.js';
import { RequestFacts } from './request-facts.js';

/** The stage of a request: its phase while nothing of the session and nothing downstream is under way. */
export type TimingStage = 'framework' | 'application' | 'response';

/** Work that may be under way on top of the stage. Of several at once, the first in this order is the phase. */
export type TimingOverlay = 'decode' | 'encode' | 'sessionLoad' | 'lockWait' | 'sessionSave' | 'downstream';

/** The phases that ask the store. */
export type StorePhase = 'sessionLoad' | 'lockWait' | 'sessionSave';

/** Runs the work of a phase that asks the store, in the call, inside something of its own, e.g. a span. */
export interface PhaseTracer {
  trace<T>(phase: StorePhase, facts: RequestFacts, work: () => MaybePromise<T>): MaybePromise<T>;
}

/** The places of the overlays in that order. */
const RANK: Readonly<Record<TimingOverlay, number>> = {
  decode: 0,
  encode: 1,
  sessionLoad: 2,
  lockWait: 3,
  sessionSave: 4,
  downstream: 5,
};
const PHASE_OF_RANK = (Object.keys(RANK) as TimingOverlay[]).map((overlay) => phaseIndex[overlay]);
const bitsOf = (...overlays: TimingOverlay[]): number => overlays.reduce((bits, one) => bits | (1 << RANK[one]), 0);
const ASKS_STORE = bitsOf('sessionLoad', 'lockWait', 'sessionSave');
const QUEUE = phaseIndex.queue;
const nothing = (): void => undefined;

/** The phases in which a request waits for an answer that a blocked event loop may be late to read. */
const WAITS = TIMING_PHASES.map((phase) => ['sessionLoad', 'lockWait', 'sessionSave', 'downstream'].includes(phase));

/**
 * The time of one request, split into phases; exists only where requests are measured. At any moment exactly one phase
 * runs, so the phases add up to the total. Times are in ms, until they are published in seconds.
 */
export class RequestTiming {
  readonly facts = new RequestFacts();

  /** In ms, in the order of TIMING_PHASES; up to the last change of phase. A literal costs a request the least. */
  readonly spent = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

  /** How many of each overlay are under way, by rank. */
  private readonly open = [0, 0, 0, 0, 0, 0];

  /** A bit for each overlay of which any is under way, so that the phase is found in one step. */
  private underWay = 0;
  private stage = phaseIndex.framework;
  private current = phaseIndex.framework;
  private since: number;
  private mark = 0;
  private endedAt: number | undefined;

  constructor(
    readonly arrival: Arrival,
    /** Requests that were ahead of it when it arrived. */
    readonly pending = 0,
    private readonly tracer?: PhaseTracer,
  ) {
    this.since = arrival.at;
    this.spent[QUEUE] = arrival.delay;
  }

  /** From the arrival in the queue to the end, or to now. */
  get totalMs(): number {
    return this.arrival.delay + (this.endedAt ?? performance.now()) - this.arrival.at;
  }

  /** The time spent in a phase; up to the last change of phase. */
  spentMs(phase: TimingPhase): number {
    return this.spent[phaseIndex[phase]] ?? 0;
  }

  /** Ignored once the head of the response was written: what is left is the response. */
  enter(stage: TimingStage): void {
    if (this.stage === phaseIndex.response) return;
    this.stage = phaseIndex[stage];
    this.update();
  }

  begin(overlay: TimingOverlay): void {
    const rank = RANK[overlay];
    const { open } = this;
    open[rank] = (open[rank] as number) + 1;
    this.underWay |= 1 << rank;
    this.update();
  }

  end(overlay: TimingOverlay): void {
    const rank = RANK[overlay];
    const { open } = this;
    const left = (open[rank] as number) - 1;
    open[rank] = left;
    if (left === 0) this.underWay &= ~(1 << rank);
    this.update();
  }

  /** Counts `work`, which asks the store, as a phase; the tracer, if there is one, sees it too. */
  during<T>(phase: StorePhase, work: () => MaybePromise<T>): MaybePromise<T> {
    this.begin(phase);
    let result: MaybePromise<T>;
    try {
      result = this.tracer ? this.traced(this.tracer, phase, work) : work();
    } catch (error) {
      this.end(phase);
      throw error;
    }
    if (isPromise(result)) this.endAfter(phase, result);
    else this.end(phase);
    return result;
  }

  /**
   * A call to a service begins. Calls of the session's own store do not count.
   * @returns a function that ends it, once
   */
  call(name: string): () => void {
    if ((this.underWay & ASKS_STORE) !== 0) return nothing;
    const start = performance.now();
    let isUnderWay = true;
    this.begin('downstream');
    return () => {
      if (!isUnderWay) return;
      isUnderWay = false;
      this.end('downstream');
      if (this.endedAt === undefined) this.facts.called(name, performance.now() - start);
    };
  }

  /** Counts what has passed since the last change of phase, e.g. before `spentMs` is asked. */
  settle(): void {
    if (this.endedAt === undefined) this.switchTo(this.current);
  }

  /**
   * The request is over; later changes are not counted.
   * @param at when it was, if that is known
   */
  finish(at = performance.now()): void {
    if (this.endedAt !== undefined) return;
    this.switchTo(this.current, Math.max(at, this.since));
    this.endedAt = this.since;
  }

  /** The result of the work itself: a tracer that fails makes nothing fail. */
  private traced<T>(tracer: PhaseTracer, phase: StorePhase, work: () => MaybePromise<T>): MaybePromise<T> {
    let outcome: { readonly result: MaybePromise<T> } | { readonly error: unknown } | undefined;
    try {
      const passedOn = tracer.trace(phase, this.facts, () => {
        try {
          const result = work();
          outcome = { result };
          return result;
        } catch (error) {
          outcome = { error };
          throw error;
        }
      });
      if (isPromise(passedOn)) passedOn.catch(() => undefined);
    } catch {
      // The failure of the work is in `outcome`.
    }
    if (!outcome) return work();
    if ('error' in outcome) throw outcome.error;
    return outcome.result;
  }

  /** Not passed through and not awaited: the caller has its result as early as without the timing. */
  private endAfter(phase: StorePhase, work: Promise<unknown>): void {
    const over = (): void => this.end(phase);
    work.then(over, over);
  }

  /** Counts a change of phase, if there is one. */
  private update(): void {
    if (this.endedAt !== undefined) return;
    const { underWay } = this;
    // The lowest bit that is set is that of the first in their order.
    const next = underWay === 0 ? this.stage : (PHASE_OF_RANK[31 - Math.clz32(underWay & -underWay)] as number);
    if (next !== this.current) this.switchTo(next);
  }

  private switchTo(next: number, now = performance.now()): void {
    const { current, spent } = this;
    let elapsed = now - this.since;
    if (WAITS[current]) {
      const waited = Math.min(elapsed, eventLoopPulse.delaySince(this.mark, now));
      spent[QUEUE] = (spent[QUEUE] as number) + waited;
      elapsed -= waited;
    }
    spent[current] = (spent[current] as number) + elapsed;
    this.since = now;
    this.current = next;
    if (WAITS[next]) this.mark = eventLoopPulse.mark(now);
  }
}
