import { AsyncResource } from 'node:async_hooks';

/** An answer that a caller waits for; one link of a chain, the longest wait first. */
export interface Waiting {
  readonly until: number;
  readonly tooLate: (error: Error) => void;
  isOver: boolean;
  before: Waiting | undefined;
  after: Waiting | undefined;
}

/** A timer that fires this late was kept from running: the event loop was blocked. */
const BLOCKED_MS = 20;

/** How much longer answers are waited for then. */
const GRACE_MS = 20;

/**
 * Limits how long callers wait. Work that is late goes on, and its outcome is ignored.
 *
 * One timer serves all, since all wait equally long: the first to wait is the first to be late. The timer does not keep
 * the process alive; the work does.
 */
export class Deadline {
  // A chain rather than a Set: short-lived-map.ts says why.
  private first: Waiting | undefined;
  private last: Waiting | undefined;
  private isWatching = false;

  /** A timer keeps the request alive in which it was made, so timers are made outside of all requests. */
  private readonly outside = new AsyncResource('nestjs-session-beans:deadline');

  constructor(
    private readonly timeoutMs: number,
    /** Ends the error text, e.g. `(storeTimeoutMs)`. */
    private readonly name: string,
  ) {}

  /** @throws Error when the work has not settled in time */
  limit<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = this.begin(reject);
      work.then(
        (value) => {
          this.end(waiting);
          resolve(value);
        },
        (error: Error) => {
          this.end(waiting);
          reject(error);
        },
      );
    });
  }

  /** For work with a promise of its own: `tooLate` is called unless `end` gets the result in time. */
  begin(tooLate: (error: Error) => void): Waiting {
    const until = performance.now() + this.timeoutMs;
    const waiting: Waiting = { until, tooLate, isOver: false, before: this.last, after: undefined };
    if (this.last) this.last.after = waiting;
    else this.first = waiting;
    this.last = waiting;
    if (!this.isWatching) this.watch(waiting.until);
    return waiting;
  }

  /** @returns false when it was too late */
  end(waiting: Waiting): boolean {
    if (waiting.isOver) return false;
    const { before, after } = waiting;
    if (before) before.after = after;
    else this.first = after;
    if (after) after.before = before;
    else this.last = before;
    waiting.isOver = true;
    // Otherwise a link that is kept would keep all later ones in memory.
    waiting.before = waiting.after = undefined;
    return true;
  }

  private watch(until: number, isGrace = false): void {
    this.isWatching = true;
    this.outside.runInAsyncScope(() =>
      setTimeout(() => this.look(until, isGrace), Math.max(1, until - performance.now())).unref(),
    );
  }

  private look(due: number, isGrace: boolean): void {
    const now = performance.now();
    // The event loop was blocked. Calls that were made in that turn leave at its end, and are answered a little later.
    if (!isGrace && now - due > BLOCKED_MS) return this.watch(now + GRACE_MS, true);
    // If the event loop was blocked, answers may wait in the socket: they are read before this runs.
    setImmediate(() => this.refuseUntil(now));
  }

  private refuseUntil(now: number): void {
    this.isWatching = false;
    for (let waiting = this.first; waiting; waiting = this.first) {
      if (waiting.until > now) return this.watch(waiting.until);
      this.end(waiting);
      waiting.tooLate(new Error(`no answer within ${this.timeoutMs} ms ${this.name}`));
    }
  }
}
