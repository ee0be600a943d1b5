import { performance } from 'node:perf_hooks';

const INTERVAL_MS = 10;

/** Timers fire up to this much late on an idle event loop. */
const TOLERANCE_MS = 2;

/** Without a request for this long, an idle server is left to sleep. */
const UNUSED_MS = 3_000;

const NOT_LATE = -1;

/**
 * Knows how late the event loop is, by a timer that should fire every 10 ms. Beats while requests come, and keeps no
 * process alive. Times are those of `performance.now()`, in ms.
 */
export class EventLoopPulse {
  private timer: NodeJS.Timeout | undefined;
  private due = Infinity;
  private usedAt = 0;

  private beats = 0;

  /** By how much the last beat was late; only until the bytes that had queued up by then are handled. */
  private backlog = 0;

  constructor(private readonly onBeating: (isBeating: boolean) => void = () => undefined) {}

  /** Starts to beat, or goes on: call it with each request. */
  keep(now: number): void {
    this.usedAt = now;
    if (this.timer) return;
    this.due = now + INTERVAL_MS;
    this.timer = setInterval(() => this.beat(), INTERVAL_MS).unref();
    this.onBeating(true);
  }

  /** The longest time that bytes just read from a socket may have waited there because the event loop was busy. */
  delay(now: number): number {
    return this.backlog + lateness(now, this.due);
  }

  /** Now, to be given to `delaySince` when the answer that is waited for from now on is there. */
  mark(now: number): number {
    return lateness(now, this.due) > 0 ? this.beats : NOT_LATE;
  }

  /** The longest time that an answer just read may have waited because the event loop was busy. */
  delaySince(mark: number, now: number): number {
    // It was late already and has not beaten since: this is the same turn of the event loop, so nothing has waited.
    return mark === this.beats ? 0 : this.delay(now);
  }

  private beat(): void {
    const now = performance.now();
    const late = lateness(now, this.due);
    this.due = now + INTERVAL_MS;
    this.beats++;
    if (late > 0) this.note(late);
    if (now - this.usedAt > UNUSED_MS) this.stop();
  }

  private note(late: number): void {
    this.backlog = late;
    const over = (): void => {
      if (this.backlog === late) this.backlog = 0;
    };
    // Bytes that waited in sockets are read before the next round of immediates; of new connections, one round later.
    setImmediate(() => setImmediate(over));
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.due = Infinity;
    this.onBeating(false);
  }
}

function lateness(now: number, due: number): number {
  const late = now - due;
  return late > TOLERANCE_MS ? late : 0;
}
