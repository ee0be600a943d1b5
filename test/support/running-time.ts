/** A gap between two beats counts as this at most, in ms. */
const LONGEST_BEAT_MS = 20;

const BEAT_MS = 10;

/**
 * How long this process has been running, in ms. Time in which a busy machine lets it stand still hardly counts, for
 * servers and clients that share the process stand still together: what takes long by this clock was waiting, not
 * starved.
 */
export class RunningTime {
  private counted = 0;
  private last = performance.now();
  private readonly beat = setInterval(() => this.count(), BEAT_MS);

  get ms(): number {
    this.count();
    return this.counted;
  }

  stop(): void {
    clearInterval(this.beat);
  }

  private count(): void {
    const now = performance.now();
    this.counted += Math.min(now - this.last, LONGEST_BEAT_MS);
    this.last = now;
  }
}
