import type { SessionKey } from '../session-id.js';

/**
 * The keys of sessions that ended lately, so that a creation that arrives late cannot bring one back. A key is
 * remembered for at least `forMs` and at most twice as long. If more than `limit` keys come in that time, the oldest
 * are forgotten earlier.
 *
 * Keys are forgotten by the set rather than one by one: the young set becomes the old one, whose keys are dropped.
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
    this.forgetOld(now);
    this.young.add(key);
    if (this.young.size >= this.limit) this.startGeneration(now);
  }

  has(key: SessionKey, now: number): boolean {
    this.forgetOld(now);
    return this.young.has(key) || this.old.has(key);
  }

  private forgetOld(now: number): void {
    const age = now - this.since;
    if (age < this.forMs) return;
    this.startGeneration(now);
    // No call came for two generations: the keys that have just become old are too old as well.
    if (age >= 2 * this.forMs) this.old.clear();
  }

  private startGeneration(now: number): void {
    this.old = this.young;
    this.young = new Set();
    this.since = now;
  }
}
