import { type MaybePromise, isPromise } from '../store/maybe-promise.js';

/**
 * The store operations of one session, one at a time: saving, loading and jobs take turns, until nothing waits. A store
 * that answers at once is asked in the call that brings the work.
 */
export abstract class SerialWork {
  /** Undefined while there are none: a near cache keeps many sessions without. */
  private jobs: (() => Promise<void>)[] | undefined;

  /** An operation is under way. */
  protected isWorking = false;

  /** Whether `save` has something to do. */
  protected abstract get hasChanges(): boolean;

  /** Whether `load` has something to do. */
  protected abstract get hasJoiners(): boolean;

  /** Never fails: it hands its failure to those who wait for it. */
  protected abstract save(): MaybePromise<void>;

  /** Never fails: it hands its failure to those who wait for it. */
  protected abstract load(): Promise<void>;

  /** Runs a job when it is its turn. @throws what the job throws */
  protected runJob<T>(job: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      (this.jobs ??= []).push(() => job().then(resolve, reject));
      this.work();
    });
  }

  /** Does what waits, or leaves it to the work that is under way. */
  protected work(): void {
    if (this.isWorking) return;
    this.isWorking = true;
    this.workFrom(0);
  }

  private workFrom(turn: number): void {
    for (let at = turn; this.hasChanges || this.hasJoiners || this.jobs; at++) {
      const step = this.step(at % 3);
      if (isPromise(step)) return this.workAfter(step, at + 1);
    }
    this.isWorking = false;
  }

  private workAfter(step: Promise<void>, turn: number): void {
    void step.then(() => this.workFrom(turn));
  }

  private step(turn: number): MaybePromise<void> {
    if (turn === 0) return this.hasChanges ? this.save() : undefined;
    if (turn === 1) return this.hasJoiners ? this.load() : undefined;
    return this.nextJob()?.();
  }

  private nextJob(): (() => Promise<void>) | undefined {
    const job = this.jobs?.shift();
    if (this.jobs?.length === 0) this.jobs = undefined;
    return job;
  }
}
