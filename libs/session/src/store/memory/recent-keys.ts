import type { SessionKey } from '../session-key.js';

/**
 * Keys of sessions that were ended lately, so that a change that arrives late cannot create them again. Remembers a key for
 * at least `forMs`, at most twice as long, unless more than `limit` keys come in that time: then the oldest go first.
 * Two generations of sets, so forgetting costs nothing per key.
 */
export class RecentKeys {
  private young = new Set<SessionKey>();
  private old = new Set<SessionKey>();
  private since: number;

  constructor(
    private readonly forMs: number,
    private readonly limit: number,
    now: number,
  ) {
    this.since = now;
  }

  add(key: SessionKey, now: number): void {
    this.turn(now);
    this.young.add(key);
    if (this.young.size >= this.limit) this.startGeneration(now);
  }

  has(key: SessionKey, now: number): boolean {
    this.turn(now);
    return this.young.has(key) || this.old.has(key);
  }

  private turn(now: number): void {
    const age = now - this.since;
    if (age < this.forMs) return;
    this.startGeneration(now);
    // Nothing came in for two generations: what has just become old is too old as well.
    if (age >= 2 * this.forMs) this.old.clear();
  }

  private startGeneration(now: number): void {
    this.old = this.young;
    this.young = new Set();
    this.since = now;
  }
}
