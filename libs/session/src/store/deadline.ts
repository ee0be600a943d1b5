import { AsyncResource } from 'node:async_hooks';

/** Something that is waited for; in a chain, the longest first. */
export interface Waiting {
  readonly until: number;
  readonly tooLate: (error: Error) => void;
  isOver: boolean;
  before: Waiting | undefined;
  after: Waiting | undefined;
}

/** A timer that is later than this was kept from running. */
const BLOCKED_MS = 20;

/** How long answers are waited for then. */
const GRACE_MS = 20;

/**
 * Limits how long something is waited for. What is late goes on, and its outcome is nobody's any more.
 *
 * One timer for all, since all wait equally long: the first to wait is the first to be late. It does not keep the process alive; what is waited
 * for does.
 */
export class Deadline {
  // Not a Set: see short-lived-map.ts.
  private first: Waiting | undefined;
  private last: Waiting | undefined;
  private isWatching = false;

  /** Timers hold on to the request they were made in, so they are made outside of any. */
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

  /** For what has a promise of its own: `tooLate` is called unless `end` is, in time, with what this returns. */
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
    // What is over must not hold on to what came after it.
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
    // The event loop was blocked. Commands of that turn leave at its end (redis/send-command.ts) and are answered a
    // little later.
    if (!isGrace && now - due > BLOCKED_MS) return this.watch(now + GRACE_MS, true);
    // Where the event loop was blocked, answers may be waiting in the socket: they are read before this runs.
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
