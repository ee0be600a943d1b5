import type { SessionWatch } from '../../session-store.js';

/** What one `TrackingPair` knows: until when it was told everything. */
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

  /** Something may have been missed. */
  end(): void {
    this.isOver = true;
    this.until = -Infinity;
  }
}
