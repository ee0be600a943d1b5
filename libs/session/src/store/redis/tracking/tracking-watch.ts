import type { SessionWatch } from '../../session-store.js';

/** Up to which moment one `TrackingPair` was told of every change. */
export class TrackingWatch implements SessionWatch {
  private until = -Infinity;
  private isOver = false;

  get toldUntil(): number {
    return this.until;
  }

  /** @param moment by `performance.now()` */
  advance(moment: number): void {
    if (!this.isOver) this.until = Math.max(this.until, moment);
  }

  /** A change may have been missed: nothing is trusted any more. */
  end(): void {
    this.isOver = true;
    this.until = -Infinity;
  }
}
