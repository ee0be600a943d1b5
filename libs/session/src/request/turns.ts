import { type MaybePromise, isPromise } from '../store/maybe-promise.js';

/** Runs steps one after the other. A step that needs not wait, and has none before it, runs in the call. */
export class Turns {
  /** Pending while a step is under way. Never rejects. */
  private last: Promise<void> | undefined;

  /** Settles when the steps that are under way are over; undefined when none is. Never rejects. */
  get underWay(): Promise<void> | undefined {
    return this.last;
  }

  /** Runs `step` when no other is under way. */
  take<A, T>(step: (argument: A) => MaybePromise<T>, argument: A): MaybePromise<T> {
    const { last } = this;
    const result = last ? last.then(() => step(argument)) : step(argument);
    if (!isPromise(result)) return result;
    if (this.last === last) return this.follow(result);
    // Code that `step` called has taken a turn itself (invalidate() in beforeBeanSaved()): its end comes first.
    result.catch(() => undefined);
    return this.follow((this.last ?? Promise.resolve()).then(() => result));
  }

  /** Runs `work` now, or when what is under way has settled. */
  after(work: () => void): void {
    if (this.last) void this.last.then(work);
    else work();
  }

  private follow<T>(result: Promise<T>): Promise<T> {
    const isOver = (): void => {
      if (this.last === settled) this.last = undefined;
    };
    // Attached first, so that a caller that waits for the turn finds nothing under way.
    const settled = result.then(isOver, isOver);
    this.last = settled;
    return result;
  }
}
