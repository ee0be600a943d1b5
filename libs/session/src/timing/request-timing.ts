import type { Arrival } from './request-arrivals.js';
import { eventLoopPulse } from './request-arrivals.js';
import { phaseIndex } from './phase-index.js';
import type { PhaseTracer, StorePhase } from './phase-tracer.js';
import { RequestFacts } from './request-facts.js';
import { TIMING_PHASES, type TimingPhase } from './timing-phase.js';

/** What a request is in while nothing of the session and nothing downstream is under way. */
export type TimingStage = 'framework' | 'application' | 'response';

/** What may be under way on top of that, also several at once: then the first of these that is counts. */
export type TimingOverlay = 'decode' | 'encode' | 'sessionLoad' | 'lockWait' | 'sessionSave' | 'downstream';

const OVERLAYS = (['decode', 'encode', 'sessionLoad', 'lockWait', 'sessionSave', 'downstream'] as const).map(
  (name) => phaseIndex[name],
);
const STORE_PHASES = [phaseIndex.sessionLoad, phaseIndex.lockWait, phaseIndex.sessionSave];
const QUEUE = phaseIndex.queue;
const nothing = (): void => undefined;

/** The phases in which a request waits for an answer that a blocked event loop may be late to read. */
const WAITS = TIMING_PHASES.map((phase) => ['sessionLoad', 'lockWait', 'sessionSave', 'downstream'].includes(phase));

/**
 * The time of one request, split into phases; exists only while somebody listens. At any moment exactly one phase runs, so the phases add up
 * to the total. Times are in ms, until they are published in seconds.
 */
export class RequestTiming {
  readonly facts = new RequestFacts();

  /** By index of the phase. Literals, since one of each is made for every request. */
  private readonly spent = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  private readonly open = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
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

  /** What has been spent in a phase; up to the last change of phase. */
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
    const index = phaseIndex[overlay];
    this.open[index] = (this.open[index] ?? 0) + 1;
    this.update();
  }

  end(overlay: TimingOverlay): void {
    const index = phaseIndex[overlay];
    this.open[index] = (this.open[index] ?? 0) - 1;
    this.update();
  }

  /** Counts `work` as a phase that asks the store. */
  async during<T>(phase: StorePhase, work: () => Promise<T>): Promise<T> {
    this.begin(phase);
    try {
      return await (this.tracer ? this.tracer.trace(phase, this.facts, work) : work());
    } finally {
      this.end(phase);
    }
  }

  /**
   * A call to a service begins. What the session's own store calls is no such thing.
   * @returns a function that ends it, once
   */
  call(name: string): () => void {
    if (this.isAskingStore) return nothing;
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

  private get isAskingStore(): boolean {
    return STORE_PHASES.some((phase) => (this.open[phase] as number) > 0);
  }

  /** Counts what has passed since the last change of phase, e.g. before `spentMs` is asked. */
  settle(): void {
    if (this.endedAt === undefined) this.switchTo(this.current);
  }

  /** The request is over; whatever begins or ends from now on is not counted. */
  finish(): void {
    this.settle();
    this.endedAt = this.since;
  }

  private update(): void {
    if (this.endedAt !== undefined) return;
    const { open } = this;
    let next = this.stage;
    for (const overlay of OVERLAYS) {
      if ((open[overlay] as number) > 0) {
        next = overlay;
        break;
      }
    }
    if (next !== this.current) this.switchTo(next);
  }

  private switchTo(next: number): void {
    const { current, spent } = this;
    const now = performance.now();
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
